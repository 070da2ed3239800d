"""Tables, verdicts, paired intervals, pieces, risks: identities first, independent oracles second."""

from __future__ import annotations

import itertools

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.optimize import linprog
from scipy.stats import t as student

import stepscape as ss
from budget import examples
from stepscape.errors import InputError
from stepscape.measures.measures import (
    PIECE_TOLERANCE,
    label_deviation,
    measure,
    measure_trajectory,
    piece_tolerance,
    pieces,
    risks,
    shape,
)
from stepscape.measures.pieces import linear_pieces
from stepscape.measures.regions import regions
from stepscape.tables import Table
from stepscape.tables.interval import left_out_best, mean_interval

EPS = np.finfo(np.float64).eps


class TestTable:
    def test_what_a_record_lacks_is_nan_and_leaves_json_as_none(self) -> None:
        table = Table.from_records([{"a": 1, "b": 0.5, "c": "x"}, {"a": 2, "b": None}])
        assert np.isnan(table["b"][1])
        assert table.records() == [{"a": 1, "b": 0.5, "c": "x"}, {"a": 2, "b": None, "c": ""}]
        assert [type(value) for value in table.records()[0].values()] == [int, float, str]

    def test_infinities_leave_json_as_none(self) -> None:
        assert Table.from_records([{"a": np.inf}]).records() == [{"a": None}]

    def test_where_keeps_matching_rows(self) -> None:
        table = Table.from_records([{"arm": arm, "seed": s} for arm in "ab" for s in range(3)])
        assert len(table.where(arm="b")) == 3
        assert table.where(arm="b", seed=1).records() == [{"arm": "b", "seed": 1}]
        assert len(table.where(arm="c")) == 0

    def test_is_frozen_and_keeps_its_own_copy(self) -> None:
        values = np.arange(3.0)
        table = Table({"a": values})
        values[0] = 9.0
        assert table["a"][0] == 0.0
        with pytest.raises(ValueError, match="read-only"):
            table["a"][0] = 1.0

    def test_empty(self) -> None:
        assert len(Table({})) == 0
        assert Table({}).records() == []
        assert "a" not in Table({})
        assert repr(Table.from_records([{"a": 1}])) == "Table(1 rows: a)"

    def test_refuses(self) -> None:
        with pytest.raises(InputError, match=r"columns must have the same length, got \{'a': 1, 'b': 2\}"):
            Table({"a": np.zeros(1), "b": np.zeros(2)})
        with pytest.raises(InputError, match="column 'a' must be one-dimensional"):
            Table({"a": np.zeros((2, 2))})
        with pytest.raises(InputError, match="unknown column 'rsk'; did you mean 'risk'"):
            Table({"risk": np.zeros(1)})["rsk"]


class TestPairedIntervals:
    @given(st.lists(st.floats(-1e3, 1e3), min_size=2, max_size=20))
    def test_is_student_s(self, values: list[float]) -> None:
        found, n = mean_interval(values), len(values)
        error = np.std(values, ddof=1) / np.sqrt(n)
        half = student.ppf(0.975, n - 1) * error
        scale = 1e-12 * (1.0 + np.abs(values).max())
        assert found.mean == pytest.approx(np.mean(values), abs=scale)
        assert found.high - found.mean == pytest.approx(half, abs=scale, rel=1e-9)
        assert found.mean - found.low == pytest.approx(half, abs=scale, rel=1e-9)

    def test_sign_needs_the_whole_interval(self) -> None:
        assert mean_interval([1.0, 1.1, 0.9]).sign == 1
        assert mean_interval([-1.0, -1.1, -0.9]).sign == -1
        assert mean_interval([1.0, -0.9, 0.5]).sign == 0

    def test_rounding_is_written_as_0(self) -> None:
        found = mean_interval([0.3, 0.3 - 2 * 0.3, 5e-17])
        assert found.mean != 0.0
        assert str(found).startswith("0 [-0.")
        assert str(mean_interval([1e-17, 3e-17])).startswith("2e-17 [")

    def test_one_seed_or_none_says_nothing(self) -> None:
        assert mean_interval([3.0]).sign == 0
        assert mean_interval([3.0, np.nan]).count == 1
        assert np.isnan(mean_interval([]).mean)

    def test_a_choice_made_on_the_other_seeds_is_not_biased_down(self) -> None:
        """Pure noise: the best of each row is far below 0 on average, the left-out choice is not."""
        noise = np.random.default_rng(0).standard_normal((400, 10))
        assert noise.min(axis=1).mean() < -1.3
        assert abs(left_out_best(noise).mean()) < 4.0 / np.sqrt(400)

    def test_left_out_best_by_hand(self) -> None:
        values = np.array([[0.0, 5.0], [9.0, 1.0], [np.nan, 2.0]])
        # Means on the others: row 0 [9, 1.5] → column 1; row 1 [0, 3.5] → 0; row 2 [4.5, 3] → 1.
        assert left_out_best(values).tolist() == [5.0, 9.0, 2.0]

    def test_needs_two_seeds(self) -> None:
        with pytest.raises(
            InputError, match=r"values must have shape \(seeds, choices\) with at least 2 seeds"
        ):
            left_out_best(np.zeros((1, 3)))


def fits_one_line(x: np.ndarray, f: np.ndarray, tolerance: float) -> bool:
    """Linear program: the smallest sup-distance of a line to the points."""
    rows = np.column_stack([np.ones_like(x), x, -np.ones_like(x)])
    mirrored = rows * np.array([-1.0, -1.0, 1.0])
    found = linprog(
        [0.0, 0.0, 1.0],
        A_ub=np.vstack([rows, mirrored]),
        b_ub=np.concatenate([f, -f]),
        bounds=[(None, None), (None, None), (0.0, None)],
    )
    return bool(found.fun <= tolerance)


def fewest_pieces(x: np.ndarray, f: np.ndarray, tolerance: float) -> int:
    """Dynamic program over every way to cut at vertices."""
    best = [0] + [len(x)] * (len(x) - 1)
    for end, start in itertools.product(range(1, len(x)), range(len(x) - 1)):
        if start < end and fits_one_line(x[start : end + 1], f[start : end + 1], tolerance):
            best[end] = min(best[end], best[start] + 1)
    return max(best[-1], 1)


class TestPieces:
    @examples(1 / 2)
    @given(st.integers(0, 10_000), st.integers(2, 8), st.sampled_from([0.1, 0.5, 1.0]))
    def test_are_the_fewest(self, seed: int, size: int, tolerance: float) -> None:
        rng = np.random.default_rng(seed)
        x, f = np.sort(rng.uniform(-1, 1, size)), rng.standard_normal(size)
        assert linear_pieces(x, f, tolerance) == fewest_pieces(x, f, tolerance)

    @pytest.mark.parametrize(
        ("f", "count"),
        [
            (lambda x: 2 * x - 1, 1),
            (np.abs, 2),
            (lambda x: np.maximum(1 - 2 * np.abs(x), 0), 4),
            (np.zeros_like, 1),
        ],
    )
    def test_of_known_functions(self, f, count: int) -> None:
        x = np.linspace(-1, 1, 81)
        assert linear_pieces(x, f(x), 1e-12) == count

    def test_the_tolerance_is_a_twentieth_of_the_deviation_of_the_labels(self) -> None:
        problem = ss.Problem([0.0, 1.0, 2.0, 3.0], [1.0, -1.0, 1.0, -1.0])
        assert piece_tolerance(problem) == pytest.approx(0.05, rel=1e-12)

    def test_tolerance_is_half_the_thickness(self) -> None:
        """The tent 1 - |x| on [-1, 1] stays within ½ of the line ½, and within nothing less.

        The tolerances leave room for the rounding of the inputs.
        """
        x = np.linspace(-1, 1, 21)
        assert linear_pieces(x, 1 - np.abs(x), 0.5 + 1e-12) == 1
        assert linear_pieces(x, 1 - np.abs(x), 0.5 - 1e-12) == 2

    def test_do_not_change_when_a_line_is_added_or_the_axis_stretched(self) -> None:
        rng = np.random.default_rng(1)
        x, f = np.sort(rng.uniform(-1, 1, 60)), rng.standard_normal(60)
        expected = linear_pieces(x, f, 0.4)
        assert linear_pieces(x, f + 3 * x - 2, 0.4) == expected
        assert linear_pieces(100 * x, 7 * f, 2.8) == expected

    def test_single_point(self) -> None:
        assert linear_pieces([0.0], [1.0], 0.0) == 1

    def test_refuse(self) -> None:
        with pytest.raises(InputError, match="points must increase strictly"):
            linear_pieces([0.0, 0.0], [1.0, 1.0], 0.1)
        with pytest.raises(InputError, match=r"points and values must have the same shape \(m,\), m ≥ 1"):
            linear_pieces([0.0], [1.0, 1.0], 0.1)
        with pytest.raises(InputError, match="tolerance must be at least 0, got -1"):
            linear_pieces([0.0], [1.0], -1)

    def test_of_two_iterates_are_those_of_their_midpoint(self) -> None:
        """|x - a| and |x + a| have two pieces each, as has their midpoint |x|; the mean of both has three."""
        problem = ss.Problem(np.linspace(-1, 1, 11), np.abs(np.linspace(-1, 1, 11)))
        one = ss.TwoLayerReLU([1.0, -1.0], [-0.5, 0.5], [1.0, 1.0])
        other = ss.TwoLayerReLU([1.0, -1.0], [0.5, -0.5], [1.0, 1.0])
        both = ss.TwoLayerReLU(*(np.append(getattr(one, b), getattr(other, b)) for b in ("w1", "b1", "w2")))
        found = measure(problem, one, other)
        assert pieces(problem, one) == pieces(problem, other) == found["pieces"] == 2
        assert pieces(problem, both) == 3
        assert found["tv"] == pytest.approx(2.0, rel=8 * EPS)

    def test_of_a_network_use_the_deviation_of_the_labels(self) -> None:
        """A kink of depth 2ε is drawn by one line exactly when ε ≤ 5 % of the deviation of the labels."""
        x = np.linspace(-1, 1, 40)
        network = ss.TwoLayerReLU([1.0, -1.0], [0.0, 0.0], [1.0, 1.0])  # |x|: half thickness ½
        for factor, count in ((1.001, 1), (0.999, 2)):
            labels = np.sign(x) * 0.5 / PIECE_TOLERANCE * factor
            assert label_deviation(ss.Problem(x, labels)) == pytest.approx(np.abs(labels[0]), rel=8 * EPS)
            assert pieces(ss.Problem(x, labels), network) == count

    @pytest.mark.parametrize("labels", [np.zeros(7), np.full(7, 0.1), np.full(7, -1e9)])
    def test_of_constant_labels_are_one(self, labels: np.ndarray) -> None:
        """Equal labels give no scale to measure a bend by."""
        problem = ss.Problem(np.linspace(-1, 1, 7), labels)
        assert pieces(problem, ss.TwoLayerReLU([1.0, -1.0], [0.0, 0.0], [1e-3, 1e-3])) == 1
        assert piece_tolerance(problem) == np.inf
        hardly = ss.Problem(problem.inputs, labels + 1e-6 * problem.inputs * (1.0 + np.abs(labels)))
        assert piece_tolerance(hardly) == PIECE_TOLERANCE * label_deviation(hardly)

    def test_of_constant_labels_forgive_rounding(self) -> None:
        problem = ss.Problem(np.linspace(-1, 1, 5), np.ones(5))
        line = ss.TwoLayerReLU(np.full(9, 0.1), 2.0 + np.arange(9) / 9, np.full(9, 0.1), 0.3)
        assert pieces(problem, line) == 1


@pytest.fixture
def problem() -> ss.Problem:
    return ss.problems.tent(n=40, noise=0.5, seed=3, half_width=3.0)


@pytest.fixture
def pair() -> tuple[ss.TwoLayerReLU, ss.TwoLayerReLU]:
    return ss.TwoLayerReLU.random(50, seed=1), ss.TwoLayerReLU.random(50, seed=2)


class TestRisks:
    def test_parallelogram(self, problem: ss.Problem, pair: tuple[ss.TwoLayerReLU, ss.TwoLayerReLU]) -> None:
        """‖(a + b)/2‖² = ½‖a‖² + ½‖b‖² - ¼‖a - b‖² for the errors a, b of the two iterates."""
        found = risks(problem, *pair)
        apart = np.mean((pair[0].predict(problem.inputs) - pair[1].predict(problem.inputs)) ** 2)
        expected = 0.5 * found["risk_last"] + 0.5 * found["risk_before"] - 0.25 * apart
        assert found["risk_mean"] == pytest.approx(
            expected, abs=64 * EPS * (found["risk_last"] + found["risk_before"])
        )

    def test_of_the_midpoint(
        self, problem: ss.Problem, pair: tuple[ss.TwoLayerReLU, ss.TwoLayerReLU]
    ) -> None:
        """One network by the mean of the parameters, whose risk is not that of the mean of predictions."""
        found = risks(problem, *pair)
        middle = pair[0].with_parameters((pair[0].parameters + pair[1].parameters) / 2.0)
        squares = (middle.predict(problem.inputs) - problem.truth(problem.inputs)) ** 2  # type: ignore[misc]
        assert found["risk"] == pytest.approx(squares.mean(), rel=64 * EPS)
        inside = regions(problem, problem.inputs)["interior"]
        assert found["risk_interior"] == pytest.approx(squares[inside].mean(), rel=64 * EPS)
        assert abs(found["risk"] - found["risk_mean"]) > 1e-3

    def test_of_networks_of_two_widths(self, problem: ss.Problem) -> None:
        pair = ss.TwoLayerReLU.random(50, seed=1), ss.TwoLayerReLU.random(49, seed=2)
        with pytest.raises(InputError, match="before must have the width 50 of the network, got 49"):
            risks(problem, *pair)

    @pytest.mark.parametrize("weighted", [False, True])
    def test_interior_and_boundary_make_the_whole(self, weighted: bool, pair) -> None:
        base = ss.problems.tent(n=40, noise=0.5, seed=3, half_width=3.0)
        weights = np.random.default_rng(0).uniform(0, 2, 40) if weighted else None
        problem = ss.Problem(base.inputs, base.labels, truth=base.truth, weights=weights)
        found, average = risks(problem, *pair), problem.averaging
        inside = regions(problem, problem.inputs)["interior"]
        whole = (
            average[inside].sum() * found["risk_interior"] + average[~inside].sum() * found["risk_boundary"]
        )
        assert found["risk"] == pytest.approx(whole, rel=64 * EPS)
        grid = np.linspace(problem.inputs.min(), problem.inputs.max(), 401)
        share = regions(problem, grid)["interior"].mean()
        whole = share * found["risk_interior_grid"] + (1 - share) * found["risk_boundary_grid"]
        assert found["risk_grid"] == pytest.approx(whole, rel=64 * EPS)

    def test_regions_by_their_definition(self, problem: ss.Problem) -> None:
        grid = np.linspace(problem.inputs.min(), problem.inputs.max(), 4001)
        g = ss.theory.weight(grid, problem.inputs)
        masks = regions(problem, grid)
        near = np.abs(g - g.max() / 10) < 1e-3 * g.max()
        assert np.array_equal(masks["interior"][~near], (g >= g.max() / 10)[~near])
        assert masks["half"].mean() == pytest.approx(0.5, abs=1e-3)

    def test_the_truth_has_none(self) -> None:
        """Labels without noise, and the network that is the truth."""
        problem = ss.problems.tent(n=20, noise=0.0, seed=0)
        # 2(1 - 2|x|)₊ - ½ = 4(x + ½)₊ - 8(x)₊ + 4(x - ½)₊ - ½ on [-1, 1].
        truth = ss.TwoLayerReLU([1.0, 1.0, 1.0], [0.5, 0.0, -0.5], [4.0, -8.0, 4.0], -0.5)
        found = risks(problem, truth, truth)
        assert max(found.values()) <= (64 * EPS * 8) ** 2
        assert pieces(problem, truth) == 4

    def test_need_a_truth(self, pair) -> None:
        problem = ss.Problem([0.0, 1.0], [0.0, 1.0])
        with pytest.raises(InputError, match="truth must be given to measure a risk"):
            risks(problem, *pair)
        assert "risk" not in measure(problem, *pair)

    def test_a_region_without_points_is_not_measured(self, pair) -> None:
        problem = ss.Problem([0.0, 1.0], [0.0, 1.0], truth=np.zeros_like)
        assert np.isnan(risks(problem, *pair)["risk_half"])


class TestShape:
    def test_counts_by_brute_force(self, problem: ss.Problem, pair) -> None:
        net = pair[0]
        found = shape(problem, net)
        active = (np.outer(problem.inputs, net.w1) + net.b1 > 0).any(axis=0)
        knots = -net.b1 / net.w1
        inside = (knots > problem.inputs.min()) & (knots < problem.inputs.max())
        assert found["active_neurons"] == active.sum()
        assert found["dead_neurons"] == (~active).sum()
        assert found["bent_neurons"] == found["knots"] == inside.sum()
        expected = np.abs(net.w1 * net.w2)[inside].sum()
        assert found["tv"] == pytest.approx(expected, rel=64 * EPS)
        assert 0 < found["weighted_tv"] < found["tv"] * ss.theory.weight_limits(problem.inputs).highest

    def test_tv_is_the_variation_of_the_slope(self, problem: ss.Problem, pair) -> None:
        """Slopes of f on a grid that holds every knot."""
        net = pair[0]
        low, high = problem.inputs.min(), problem.inputs.max()
        inside = net.knots[(net.knots > low) & (net.knots < high)]
        x = np.concatenate([[low], inside, [high]])
        slopes = np.diff(net.predict(x)) / np.diff(x)
        assert shape(problem, net)["tv"] == pytest.approx(np.abs(np.diff(slopes)).sum(), rel=1e-8)


class TestTrajectories:
    def test_a_finished_run_is_measured_at_its_end(self, problem: ss.Problem) -> None:
        run = ss.train(
            problem, ss.TwoLayerReLU.random(30, 0.3, seed=0), ss.GradientDescent(0.1, 200), record_every=100
        )
        row = measure_trajectory(problem, run)
        assert row["loss"] == run.loss[-1]
        for name in ("sharpness", "sharpness_residual", "edge_ratio"):
            last = f"{name.removesuffix('_residual')}_last{'_residual' * name.endswith('residual')}"
            assert (row[name], row[last]) == (getattr(run, name)[-1], getattr(run, last)[-1])
        x = problem.inputs
        assert row["risk"] == pytest.approx(problem.design_error(run.midpoint.predict(x)), rel=1e-12)
        assert row["risk_mean"] == pytest.approx(problem.design_error(run.predict(x)), rel=1e-12)
        assert row["risk_last"] == pytest.approx(problem.design_error(run.network.predict(x)), rel=1e-12)

    def test_a_diverged_run_has_no_measurements(self, problem: ss.Problem) -> None:
        run = ss.train(problem, ss.TwoLayerReLU.random(100, 3.0, seed=0), ss.GradientDescent(1.0, 500))
        assert run.outcome == "diverged"
        assert measure_trajectory(problem, run) == {}
