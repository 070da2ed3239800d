"""The description of a training."""

from __future__ import annotations

import numpy as np
import pytest

from stepscape.errors import InputError
from stepscape.recovery import Training


def test_the_weight_is_1_then_falls_linearly_and_is_0_at_the_end():
    training = Training(0.1, 100, anneal=0.4, settle=0.1)
    weights = np.array([training.weight(step) for step in range(100)])
    np.testing.assert_array_equal(weights[:61], 1.0)
    np.testing.assert_allclose(np.diff(weights[60:91]), -1.0 / 30.0, rtol=0, atol=1e-14)
    np.testing.assert_array_equal(weights[90:], 0.0)


def test_the_weight_of_a_training_that_is_not_annealed_stays_1():
    assert [Training(0.1, 3, anneal=0.0).weight(step) for step in range(3)] == [1.0] * 3


def test_the_weight_may_fall_to_0_at_once():
    training = Training(0.1, 10, anneal=0.5, settle=0.5)
    assert [training.weight(step) for step in range(10)] == [1.0] * 6 + [0.0] * 4


def test_step_sizes_are_one_for_all_starts_or_one_for_each():
    np.testing.assert_array_equal(Training(0.1, 3).step_sizes(2), [0.1, 0.1])
    np.testing.assert_array_equal(Training((0.1, 0.2), 3).step_sizes(2), [0.1, 0.2])
    assert Training(np.array([0.1, 0.2]), 3) == Training([0.1, 0.2], 3)
    with pytest.raises(InputError, match="step_size must be one number, or one for each of the 3 starts"):
        Training((0.1, 0.2), 3).step_sizes(3)


@pytest.mark.parametrize(
    ("fields", "message"),
    [
        ({"step_size": 0.0}, "step_size must be finite and positive, got 0.0"),
        (
            {"step_size": ()},
            r"step_size must be a number, or one for each start, got an array of shape \(0,\)",
        ),
        ({"step_size": (0.1, -1.0)}, "each step_size must be finite and positive, got -1.0"),
        ({"steps": 0}, "steps must be a whole number of at least 1"),
        ({"batch": 0}, "batch must be a whole number of at least 1"),
        ({"replacement": 1}, "replacement must be True or False"),
        ({"label_noise": -1.0}, "label_noise must be finite and not negative"),
        ({"trace_penalty": np.nan}, "trace_penalty must be finite and not negative"),
        ({"weight_decay": np.inf}, "weight_decay must be finite and not negative"),
        ({"ascent": "x"}, "ascent must be finite and not negative"),
        ({"trace": "hutch"}, "unknown trace 'hutch'; did you mean 'hutchinson'"),
        ({"anneal": 1.5}, "anneal must be a share from 0 to 1, got 1.5"),
        ({"settle": -0.1}, "settle must be a share from 0 to 1, got -0.1"),
        ({"anneal": 0.2, "settle": 0.3}, "settle must be at most anneal = 0.2, got 0.3"),
    ],
)
def test_what_cannot_be_is_refused_by_name(fields, message):
    with pytest.raises(InputError, match=message):
        Training(**{"step_size": 0.1, "steps": 10} | fields)
