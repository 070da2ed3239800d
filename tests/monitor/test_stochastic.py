"""Batch sharpness and trace against the dense Hessian and all batches."""

from __future__ import annotations

import math
from itertools import combinations

import numpy as np
import pytest
import torch

from monitor_models import Point, dense, mlp, mse, pair, quadratic, random_matrix, snapshot
from stepscape.errors import InputError
from stepscape.monitor.stochastic import batch_sharpness, hessian_trace


def every_batch(batch, size):
    rows = range(len(batch[0]))
    return [tuple(each[list(chosen)] for each in batch) for chosen in combinations(rows, size)]


def test_over_all_batches_both_definitions_are_exact():
    model, batches = mlp(), every_batch(pair(rows=6), 2)
    along, sizes = [], []
    for batch in batches:
        gradient, hessian = dense(model, mse, batch)
        along.append(float(gradient @ hessian @ gradient))
        sizes.append(float(gradient @ gradient))
    before = snapshot(model)
    found = batch_sharpness(model, mse, batches, precision="float64")
    assert before == snapshot(model)
    assert found.ratio_of_means == pytest.approx(sum(along) / sum(sizes), rel=1e-12)
    assert found.mean_of_ratios == pytest.approx(np.mean(np.divide(along, sizes)), rel=1e-12)
    assert abs(found.ratio_of_means / found.mean_of_ratios - 1.0) > 0.02
    assert (found.batches, found.products, found.status) == (15, 15, "measured")
    errors = np.divide(along, sizes).std(ddof=1) / math.sqrt(15)
    assert found.mean_error == pytest.approx(errors, rel=1e-10)


def test_standard_errors_cover_the_mean_over_all_batches():
    """Of 60 samples of 12 batches, at least 50 lie within two standard errors, by either definition."""
    model, batches = mlp(), every_batch(pair(rows=6), 2)
    rows = []
    for batch in batches:
        gradient, hessian = dense(model, mse, batch)
        rows.append((float(gradient @ hessian @ gradient), float(gradient @ gradient)))
    along, sizes = np.array(rows).T
    from stepscape.monitor.stochastic import _averaged

    rng, inside = np.random.default_rng(0), np.zeros(2)
    for _ in range(60):
        drawn = rng.integers(0, len(batches), 12)
        found = _averaged(torch.tensor(along[drawn]), torch.tensor(sizes[drawn]))
        inside[0] += abs(found.ratio_of_means - along.sum() / sizes.sum()) <= 2.0 * found.ratio_error
        inside[1] += abs(found.mean_of_ratios - (along / sizes).mean()) <= 2.0 * found.mean_error
    assert (inside >= 50).all()
    assert (inside < 60).all()


def test_one_batch_a_batch_at_rest_and_one_that_is_lost():
    model, batch = mlp(), pair(rows=4)
    one = batch_sharpness(model, mse, [batch], precision="float64")
    gradient, hessian = dense(model, mse, batch)
    expected = float(gradient @ hessian @ gradient / (gradient @ gradient))
    assert (one.status, one.batches) == ("single", 1)
    assert one.ratio_of_means == pytest.approx(expected, rel=1e-12)
    assert one.mean_of_ratios == pytest.approx(expected, rel=1e-12)
    assert math.isnan(one.mean_error)
    assert math.isnan(one.ratio_error)
    eye = torch.eye(5, dtype=torch.float64)
    resting = batch_sharpness(Point((0.0,) * 5), quadratic, [eye, eye])
    assert (resting.status, resting.reason) == ("stationary", "the gradients of all batches are 0")
    with_zero = batch_sharpness(Point(), quadratic, [0.0 * eye, 3.0 * eye], precision="float64")
    assert with_zero.mean_of_ratios == with_zero.ratio_of_means == pytest.approx(3.0)
    lost = batch_sharpness(Point(), quadratic, [eye, eye * math.inf])
    assert lost.status == "nonfinite"
    for wrong in (eye, [], iter([eye])):
        with pytest.raises(InputError, match=r"batches must be a list of batches, got .*; give list\("):
            batch_sharpness(Point(), quadratic, wrong)
    with pytest.raises(InputError, match="loss must be a function of the model and the batch"):
        batch_sharpness(Point(), None, [eye])
    failed = batch_sharpness(Point(), lambda m, b: 1 / 0, [eye])  # noqa: ARG005
    assert failed.status == "error"
    assert "ZeroDivisionError" in failed.reason


def test_trace_lies_within_its_standard_errors():
    """Two standard errors cover the trace for at least 36 of 40 seeds, though they decide when to stop."""
    model, matrix = Point(), random_matrix(seed=4, low=0.5)
    truth, inside = float(matrix.trace()), 0
    for seed in range(40):
        found = hessian_trace(model, quadratic, matrix, seed=seed, precision="float64")
        assert found.status == "converged"
        assert 16 <= found.products <= 200
        assert found.error <= 0.1 * abs(found.value)
        inside += abs(found.value - truth) <= 2.0 * found.error
    assert 36 <= inside < 40


def test_variance_of_one_probe_is_that_of_the_entries_off_the_diagonal():
    matrix = random_matrix(seed=4)
    found = hessian_trace(Point(), quadratic, matrix, tolerance=1e-6, max_products=200, precision="float64")
    off = matrix - torch.diag(matrix.diag())
    assert found.status == "budget"
    assert found.error**2 * found.products == pytest.approx(2.0 * float((off**2).sum()), rel=0.35)


def test_trace_of_a_network_is_that_of_the_dense_hessian():
    model, batch = mlp(), pair()
    _, hessian = dense(model, mse, batch)
    before = snapshot(model)
    found = hessian_trace(model, mse, batch, precision="float64")
    assert before == snapshot(model)
    assert found.value == pytest.approx(float(hessian.trace()), abs=3.0 * found.error)
    assert found.error > 0.0
    assert found == hessian_trace(model, mse, batch, precision="float64")
    assert found != hessian_trace(model, mse, batch, precision="float64", seed=1)
    block = hessian_trace(model, mse, batch, select="2.bias", precision="float64")
    assert (block.value, block.error, block.products) == (pytest.approx(2.0), 0.0, 16)  # 2/2 on the diagonal


def test_trace_that_is_not_measured_says_why():
    lost = hessian_trace(Point(), quadratic, torch.eye(5, dtype=torch.float64) * math.inf)
    assert (lost.status, lost.products) == ("nonfinite", 0)
    failed = hessian_trace(Point(), lambda m, b: 1 / 0, torch.eye(5))  # noqa: ARG005
    assert failed.status == "error"
    with pytest.raises(InputError, match="tolerance must lie strictly between 0 and 1"):
        hessian_trace(Point(), quadratic, torch.eye(5), tolerance=0.0)
    with pytest.raises(InputError, match="max_products must be a whole number of at least 2"):
        hessian_trace(Point(), quadratic, torch.eye(5), max_products=1)
    with pytest.raises(InputError, match="seed must be a whole number of at least 0"):
        hessian_trace(Point(), quadratic, torch.eye(5), seed=-1)
