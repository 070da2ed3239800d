"""The three ways to start a step-size claim."""

from __future__ import annotations

import numpy as np
import pytest

import stepscape as ss
from stepscape.errors import InputError
from stepscape.experiments.common.arms import MARGIN, start
from stepscape.lab.spec import stream


class TestArms:
    problem = ss.problems.tent(n=20, noise=0.5, seed=0, half_width=3.0)

    def test_small_start_is_inside_the_smallest_threshold_and_hardly_smaller_than_needed(self) -> None:
        for eta in (0.05, 0.5):
            begin = start("small_init", self.problem, 100, 3, eta)
            assert ss.sharpness(self.problem, begin.network).value <= MARGIN * 2.0 / eta
            larger = ss.TwoLayerReLU.random(100, 1.02 * begin.scale, seed=stream(3, "network"))
            assert ss.sharpness(self.problem, larger).value > MARGIN * 2.0 / eta

    def test_as_printed_is_the_default_with_a_constant_step_size(self) -> None:
        begin = start("as_printed", self.problem, 30, 5, 0.5)
        assert np.array_equal(
            begin.network.parameters, ss.TwoLayerReLU.random(30, seed=stream(5, "network")).parameters
        )
        assert begin.method(0.5, 100) == ss.GradientDescent(0.5, 100)

    def test_warm_up_takes_a_tenth(self) -> None:
        assert start("warm_up", self.problem, 30, 5, 0.5).method(0.5, 1000).warmup_steps == 100

    def test_unknown(self) -> None:
        with pytest.raises(InputError, match="unknown arm 'cold'"):
            start("cold", self.problem, 30, 0, 0.5)
