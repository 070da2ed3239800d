from __future__ import annotations

import math
from dataclasses import replace
from itertools import pairwise

import cvxpy as cp
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.optimize import linprog

from facts import case_of, facts_of
from oracles import EPS, random_case
from stepscape import theory

seeds = st.integers(0, 2**32 - 1)


def least_variation(x, y):
    """Linear program over the values at the inputs."""
    m = x.size
    if m < 3:
        return 0.0
    D = np.zeros((m - 2, m))
    for i in range(1, m - 1):
        left, right = 1 / (x[i] - x[i - 1]), 1 / (x[i + 1] - x[i])
        D[i - 1, i - 1 : i + 2] = left, -left - right, right
    eye = np.eye(m - 2)
    A = np.vstack([np.hstack([D, -eye]), np.hstack([-D, -eye])])
    bounds = [(1, None) if label > 0 else (None, -1) for label in y] + [(0, None)] * (m - 2)
    cost = np.concatenate([np.zeros(m), np.ones(m - 2)])
    found = linprog(cost, A_ub=A, b_ub=np.zeros(2 * m - 4), bounds=bounds, method="highs")
    assert found.status == 0
    return found.fun


@settings(deadline=None, max_examples=150)
@given(seeds)
def test_the_closed_form_is_the_linear_program(seed):
    rng = np.random.default_rng(seed)
    n = int(rng.integers(1, 25))
    x = np.sort(rng.uniform(-1, 1, n)) + 0.05 * np.arange(n)
    y = rng.choice([-1.0, 1.0], n, p=(p := rng.uniform(0.1, 0.9), 1 - p))
    cost = theory.margin_cost(x, y)
    assert cost.exact == pytest.approx(least_variation(x, y), rel=1e-6, abs=1e-6)
    assert cost.hats <= cost.exact * (1 + 64 * EPS)
    assert cost.changes == np.count_nonzero(np.diff(y))


def test_kinks_elsewhere_are_not_cheaper():
    # Convex program over all splines with kinks on a fine grid, not only at the inputs.
    rng = np.random.default_rng(2)
    x, y = np.sort(rng.uniform(-1, 1, 9)), np.array([1, 1, -1, 1, -1, -1, -1, 1, -1.0])
    kinks = np.concatenate([np.linspace(a, b, 7) for a, b in pairwise(x)])
    jumps, line = cp.Variable(kinks.size), cp.Variable(2)
    f = np.maximum(x[:, None] - kinks, 0.0) @ jumps + np.column_stack([x, np.ones(9)]) @ line
    problem = cp.Problem(cp.Minimize(cp.norm1(jumps)), [cp.multiply(y, f) >= 1])
    assert problem.solve(solver="CLARABEL") == pytest.approx(theory.margin_cost(x, y).exact, rel=1e-6)


def test_hats_on_isolated_labels():
    # Gaps 1, 2, 4: the hats of the two isolated labels overlap, the dearer one counts, 2/1 + 2/2.
    cost = theory.margin_cost([0.0, 1.0, 3.0, 7.0], [1, -1, 1, -1])
    assert cost.hats == pytest.approx(3.0)
    assert cost.exact == pytest.approx(2 / 1 + 4 / 2 + 2 / 4)
    assert cost.changes == 3
    # One isolated label between equal gaps h: 4/h, and then the two agree.
    assert theory.margin_cost([0.0, 0.5, 1.0], [0, 1, 0]) == theory.MarginCost(8.0, 8.0, 2)
    # Inner hats at 1, 3, 5 of seven alternating labels with unit gaps: 4 each.
    cost = theory.margin_cost(np.arange(7.0), [1, 0, 1, 0, 1, 0, 1])
    assert (cost.hats, cost.exact) == (12.0, 20.0)
    # The two hats around the dearest one are worth more than it is.
    cost = theory.margin_cost([0.0, 1.0, 1.9, 2.8, 3.8], [1, -1, 1, -1, 1])
    assert cost.hats == pytest.approx(2 * (2 / 1 + 2 / 0.9))
    # A pair of labels in a block is not isolated, but costs.
    cost = theory.margin_cost(np.arange(4.0), [1, -1, -1, 1])
    assert (cost.hats, cost.exact) == (0.0, 4.0)


def test_two_runs_cost_nothing_and_the_least_gap_may_overflow():
    assert theory.margin_cost([0.0, 1.0, 2.0], [1, 1, -1]).exact == 0.0
    assert theory.margin_cost([0.0, 1e-310, 1.0], [1, -1, 1]).exact == math.inf


@settings(deadline=None, max_examples=200)
@given(seeds)
def test_every_network_pays_for_its_margin(seed):
    # Any network fits the signs of its own values.
    case = random_case(np.random.default_rng(seed))
    values = dict(zip(case.x, case.predict(), strict=True))
    f = np.array([values[x] for x in case.x])
    y = np.where(f > 0, 1.0, -1.0)
    c = theory.interpolation_margin(facts_of(replace(case, y=y), "logistic", predictions=f))
    assert c.verdict == ("holds" if (f != 0).all() else "inapplicable"), (c, case)
    assert c.left <= c.details["twice_variation"] + c.tolerance
    assert c.details["twice_variation"] <= c.right
    assert c.details["hats"] <= c.left * (1 + 64 * EPS)


def test_the_sides_of_the_certificate():
    # A hat of width 2 and height 4 from −1: f = (−1, 3, −1), γ = 1, no slack in either place but the last.
    w1, b1, w2 = np.full(3, 2.0), np.array([2.0, 0.0, -2.0]), np.array([2.0, -4.0, 2.0])
    case = case_of(w1, b1, w2, [-1.0, 0.0, 1.0], [-1, 1, -1], b2=-1.0)
    c = theory.interpolation_margin(facts_of(case, "logistic"))
    assert (c.details["margin"], c.details["cost"]) == (1.0, 4.0)
    assert (c.left, c.details["twice_variation"]) == (8.0, 32.0)
    assert c.right == w1 @ w1 + b1 @ b1 + w2 @ w2 + 1.0
    assert c.details["hats"] == 8.0
    # γ is as uncertain as the magnitudes in f(x), twice 8 + 8 + 8 from the neurons and 3 from f.
    assert c.scale == c.right + 2 * (2 * 24 + 3) * 4.0


def test_the_middle_of_the_chain_is_attained():
    # 1 − 2|x| between −5 and 5, where two neurons that make its straight line have their kinks, of 1 each.
    case = case_of(
        [2.0, 1.0, -1.0], [0.0, 5.0, 5.0], [-2.0, 1.0, -1.0], [-1.0, 0.0, 1.0], [-1, 1, -1], b2=1.0
    )
    c = theory.interpolation_margin(facts_of(case, "logistic", predictions=[-1.0, 1.0, -1.0]))
    assert (c.left, c.details["twice_variation"]) == (8.0, 8.0 + 2 * 2)


def test_a_label_that_is_missed_makes_it_inapplicable():
    c = theory.interpolation_margin(facts_of(case_of([1.0], [0.0], [1.0], [1.0, 1.0], [1, -1]), "logistic"))
    assert c.verdict == "inapplicable"
    assert c.failed_premises == ("the network gives every input the sign of its label",)
