"""`confident-curvature`: closed forms against dense Hessians and descent, its measures, the rule."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray
from scipy.optimize import minimize_scalar

import stepscape as ss
from stepscape.errors import InputError
from stepscape.experiments.confidence import curvature_runs as work
from stepscape.experiments.confidence import one_example
from stepscape.experiments.confidence.confident_curvature import CLAIM
from stepscape.experiments.frame import Finding, Result, Run
from stepscape.experiments.frame.kinds import word
from stepscape.objectives import Hessian

POINTS, MARGINS = (0.0, 0.5, -1.0, 3.0), (0.05, 0.7, 1.5, 4.0, 12.0)
Array = NDArray[np.float64]
Change = Callable[[dict[str, Any]], dict[str, Any]]


def confidence(margin: Any) -> Any:
    """D(m) = s(m) s(−m)."""
    return 0.25 / np.cosh(0.5 * np.asarray(margin)) ** 2


def dense(network: ss.TwoLayerReLU, x: float) -> tuple[Array, Array]:
    """Gauss–Newton part and Hessian of log(1 + e^{−f(x)}) for one active neuron, from its definition."""
    w1, b1, w2 = (float(block[0]) for block in (network.w1, network.b1, network.w2))
    z = w1 * x + b1
    f = w2 * z + network.b2
    gradient = np.array([w2 * x, w2, z, 1.0])
    share = 1.0 / (1.0 + np.exp(-f))
    second = np.zeros((4, 4))
    second[0, 2] = second[2, 0] = x
    second[1, 2] = second[2, 1] = 1.0
    part = share * (1.0 - share) * np.outer(gradient, gradient)
    return part, part + (share - 1.0) * second


def top(matrix: Array) -> float:
    return float(np.linalg.eigvalsh(matrix)[-1])


class TestClosedForms:
    @pytest.mark.parametrize("x", POINTS)
    @pytest.mark.parametrize("margin", MARGINS)
    def test_one_neuron(self, x: float, margin: float) -> None:
        network = one_example.balanced_neuron(x, margin)
        part, whole = dense(network, x)
        assert network.predict(np.array([x]))[0] == pytest.approx(margin)
        assert one_example.gauss_newton(x, margin) == pytest.approx(top(part), rel=1e-12)
        assert one_example.balanced_sharpness(x, margin) == pytest.approx(top(whole), rel=1e-12)
        problem = ss.Problem(np.array([x]), np.ones(1), loss="logistic")
        assert ss.sharpness(problem, network).value == pytest.approx(top(whole), rel=1e-10)

    @pytest.mark.parametrize("x", POINTS)
    def test_no_neuron_has_a_shorter_gradient(self, x: float) -> None:
        """‖∇f(x)‖² ≥ 1 + 2c f(x) whatever the weights, when b2 = 0."""
        rng = np.random.default_rng(5)
        for w1, b1, w2 in rng.normal(size=(200, 3)):
            network = ss.TwoLayerReLU(*np.array([[w1], [b1], [w2]]))
            problem = ss.Problem(np.array([x]), np.ones(1), loss="logistic")
            f = float(network.predict(np.array([x]))[0])
            shortest = 1.0 + 2.0 * np.hypot(1.0, x) * f
            assert work.gradients(problem, network)[0] >= shortest * (1.0 - 1e-12)
        best = one_example.balanced_neuron(x, 2.0)
        assert work.gradients(problem, best)[0] == pytest.approx(1.0 + 4.0 * np.hypot(1.0, x))

    @pytest.mark.parametrize("x", POINTS)
    def test_the_peak_is_where_the_curvature_is_largest(self, x: float) -> None:
        found = minimize_scalar(lambda m: -float(one_example.gauss_newton(x, m)), (0.1, 1.5), tol=1e-10)
        assert one_example.gauss_newton_peak(x) == pytest.approx(found.x, abs=1e-5)

    def test_the_peak_of_margin_times_confidence(self) -> None:
        found = minimize_scalar(lambda m: -m * float(confidence(m)), (0.1, 1.5), tol=1e-10)
        assert pytest.approx(found.x, abs=1e-6) == one_example.PEAK

    @pytest.mark.parametrize(("x", "label"), [(0.5, 1.0), (3.0, 1.0), (-1.0, -1.0)])
    def test_gradient_flow(self, x: float, label: float) -> None:
        """Descent with a small step moves along the closed form."""
        problem = ss.Problem(np.array([x]), np.array([label]), loss="logistic")
        start = ss.TwoLayerReLU.random(30, 0.5, seed=3)
        path = ss.train(problem, start, ss.GradientDescent(1e-4, 40_000), record_every=40_000)
        margin = label * float(path.network.predict(np.array([x]))[0])
        square = float(work.gradients(problem, path.network)[0])
        fine = one_example.flow(start, x, label, np.linspace(0.0, 3.0, 300_001))
        assert margin > label * float(start.predict(np.array([x]))[0]) + 0.5
        assert square == pytest.approx(float(np.interp(margin, fine.margin, fine.gradient)), rel=1e-3)

    def test_flow_begins_at_the_network(self) -> None:
        start = ss.TwoLayerReLU.random(30, 1.0, seed=4)
        problem = ss.Problem(np.array([0.3]), np.ones(1), loss="logistic")
        begin = one_example.flow(start, 0.3, 1.0, 0.0)
        assert begin.margin == pytest.approx(float(start.predict(np.array([0.3]))[0]))
        assert begin.gradient == pytest.approx(float(work.gradients(problem, start)[0]))


class TestMeasures:
    def test_gradients_are_norms_of_the_tangent_features(self) -> None:
        """The Gauss–Newton matrix of one example has one eigenvalue, D‖∇f‖²."""
        network = ss.TwoLayerReLU.random(20, 1.0, seed=6)
        for x in (-0.7, 0.2):
            problem = ss.Problem(np.array([x]), np.ones(1), loss="logistic")
            value = ss.sharpness(problem, network, gauss_newton=True).value
            f = Hessian(problem, network).predictions
            expected = confidence(f) * work.gradients(problem, network)
            assert value == pytest.approx(float(expected[0]), rel=1e-8)

    def test_shape_of_a_known_curve(self) -> None:
        m = np.linspace(0.01, 12.0, 1200)
        found = work.shape(m, m * confidence(m))
        assert found["peak_margin"] == pytest.approx(one_example.PEAK, abs=0.01)
        assert found["rise"] == pytest.approx(0.22386 / 0.0025, rel=1e-2)
        assert found["tail_slope"] == pytest.approx(-0.86, abs=0.03)
        assert work.shape(m[:300], m[:300])["tail_slope"] is None

    def test_bins_hold_what_lies_in_them(self) -> None:
        margins = np.concatenate([np.full(25, 0.1), np.full(19, 0.3), np.full(40, 1.1), np.full(40, -1.0)])
        found = work.bins(margins[:, None], margins[:, None] * 2.0, margins[:, None] * 3.0)
        assert found["margin"] == pytest.approx([0.125, 1.125])
        assert found["curvature"] == pytest.approx([0.2, 2.2])
        assert found["gradient"] == pytest.approx([0.3, 3.3])
        assert not work.bins(np.full((5, 1), 1.0), np.ones((5, 1)), np.ones((5, 1)))["margin"].size

    def test_fates(self) -> None:
        margins = np.array([[0.0] * 4, [3.0, 3.0, 3.0, 1.0]])
        path = np.array([[1.0, 1.0, 1.0, 1.0], [1.2, 1.05, 1.5, 9.0], [0.5, 0.5, 1.4, 0.1]])
        found = work.fates(np.vstack([margins, margins[-1:]]), path)
        assert found == {
            "confident": 3,
            "rose_and_fell": pytest.approx(1 / 3),
            "only_fell": pytest.approx(1 / 3),
            "stay_sharp": pytest.approx(1 / 3),
        }
        assert work.fates(np.zeros((2, 3)), np.ones((2, 3))) == {"confident": 0}


def synthetic(change: Change = dict) -> Result:
    """Everything gets sharper, then flatter, as predicted."""
    curve = {
        "outcome": "finished",
        "rise": 2.0,
        "peak_margin": 1.4,
        "largest_margin": 9.0,
        "tail_slope": -0.85,
    }
    rows = [
        {**curve, "arm": "one_neuron", "x": x, "scale": 1.0, "step_size": 0.0, "seed": 0, "gap": 1e-9,
         "gap_whole": 1e-9, "peak_predicted": 1.401, "rise_whole": 1.2, "dip_margin_whole": 0.1,
         "peak_margin_whole": 1.6} for x in (0.0, 1.0, 2.0, 3.0)
    ]  # fmt: skip
    for seed in range(20):
        for scale in (1.0, 0.1):
            here = {**curve, "scale": scale, "seed": seed, "gradient_start": 2.0, "gradient_end": 9.0}
            rows += [
                {**here, "arm": "one_example", "x": 0.5, "step_size": 0.001, "gap": 0.01,
                 "rise_predicted": 2.0, "peak_margin_predicted": 1.5},
                {**here, "arm": "sample", "x": 0.0, "step_size": 0.1, "rose_and_fell": 0.7, "only_fell": 0.2,
                 "edge_ratio": 1.0},
            ]  # fmt: skip
    return Result(CLAIM.name, {}, tuple(Run(change(row)) for row in rows))


def finding(part: str, change: Change = dict) -> Finding:
    return CLAIM.judge(synthetic(change))[part].finding


def answer(part: str, change: Change = dict) -> str:
    return finding(part, change).answer


def where(arm: str, seeds: int = 99, scale: float = 0.0, **values: Any) -> Change:
    def change(row: dict[str, Any]) -> dict[str, Any]:
        hit = row["arm"] == arm and row["seed"] < seeds and scale in (0.0, row["scale"])
        return {**row, **values} if hit else row

    return change


def test_as_claimed() -> None:
    found = {part: judged.word(CLAIM.kind) for part, judged in CLAIM.judge(synthetic()).items()}
    assert found == {
        "closed_form": "holds", "whole_hessian": "yes", "gradient_flow": "holds",
        "initialization": "yes", "sample": "yes",
    }  # fmt: skip


class TestOneNeuron:
    @pytest.mark.parametrize("gap", ["gap", "gap_whole"])
    @pytest.mark.parametrize(("size", "expected"), [(2e-6, "mixed"), (9e-7, "yes")])
    def test_formulas(self, gap: str, size: float, expected: str) -> None:
        assert answer("closed_form", where("one_neuron", **{gap: size})) == expected

    @pytest.mark.parametrize(
        "broken", [{"rise": 1.09}, {"peak_margin": 1.37}, {"tail_slope": -0.59}, {"largest_margin": 5.9}]
    )
    def test_gauss_newton_part(self, broken: dict[str, Any]) -> None:
        found = CLAIM.judge(synthetic(where("one_neuron", **broken)))["closed_form"]
        assert found.word(CLAIM.kind) == "false_as_stated"
        assert "all 4 hills of the Gauss–Newton part violate" in found.finding.sentence

    @pytest.mark.parametrize(
        "kept", [{"rise": 1.11}, {"peak_margin": 1.39}, {"tail_slope": -0.61}, {"largest_margin": 6.0}]
    )
    def test_gauss_newton_part_all_the_same(self, kept: dict[str, Any]) -> None:
        assert answer("closed_form", where("one_neuron", **kept)) == "yes"

    def test_whole_hessian(self) -> None:
        lower = where("one_neuron", rise_whole=0.99)
        found = CLAIM.judge(synthetic(lower))["whole_hessian"]
        assert found.word(CLAIM.kind) == "no"
        assert found.finding.sentence == (
            "None of 4 points x has a peak of the whole Hessian above its value at margin 0."
        )
        assert found.finding.numbers["points x with an inner peak"] == 4
        one = lambda row: lower(row) if row["x"] > 0.0 else row  # noqa: E731
        assert answer("whole_hessian", one) == "mixed"
        flat = where("one_neuron", peak_margin_whole=0.1)
        other = finding("whole_hessian", lambda row: flat(lower(row)))
        assert other.numbers["points x with an inner peak"] == 0


class TestOneExample:
    def test_one_descent_off_the_flow_is_enough(self) -> None:
        assert answer("gradient_flow", where("one_example", 1, 1.0, gap=0.11)) == "no"
        assert answer("gradient_flow", where("one_example", gap=0.1)) == "yes"

    @pytest.mark.parametrize("broken", [{"rise": 1.09}, {"tail_slope": -0.59}, {"rise": 0.5}])
    def test_each_setting_is_judged_by_itself(self, broken: dict[str, Any]) -> None:
        part = "initialization"
        found = CLAIM.judge(synthetic(where("one_example", 99, 0.1, **broken)))[part]
        assert found.word(CLAIM.kind) == "it_depends"
        assert found.finding.sentence == ("1 of 2 settings gets sharper, then flatter: scale 1 (20 of 20).")
        none = finding(part, where("one_example", **broken))
        assert none.answer == "no"
        assert none.sentence == "None of 2 settings gets sharper, then flatter."

    @pytest.mark.parametrize(("seeds", "expected"), [(2, "yes"), (3, "mixed"), (8, "some"), (17, "mixed")])
    def test_nearly_all_runs_of_a_setting(self, seeds: int, expected: str) -> None:
        found = finding("initialization", where("one_example", seeds, 1.0, rise=1.0))
        assert found.answer == expected
        assert found.numbers["scale 1"] == f"{20 - seeds} of 20"
        assert ("not settled: scale 1" in found.sentence) == (seeds in (3, 8))

    def test_a_hill_elsewhere_than_that_of_gradient_flow_is_a_hill(self) -> None:
        """Where the peak lies is no part of the claim; the curve itself is held against the flow."""
        assert answer("initialization", where("one_example", peak_margin=0.9)) == "yes"

    def test_it_depends_on_x(self) -> None:
        def far(row: dict[str, Any]) -> dict[str, Any]:
            if row["arm"] != "one_example":
                return row
            at_once = row["scale"] == 1.0
            return {**row, "x": 3.0 if at_once else 0.5, "rise": 1.0 if at_once else 2.0, "scale": 0.3}

        found = finding("initialization", far)
        assert found.answer == "mixed"
        assert found.sentence == "1 of 2 settings gets sharper, then flatter: x = 0.5 (20 of 20)."
        assert found.effect is not None
        assert found.effect.interval.mean == 1.0

    def test_a_curve_that_ends_too_early_counts_for_nothing(self) -> None:
        assert answer("initialization", where("one_example", largest_margin=5.9)) == "premise_not_met"


class TestSample:
    def test_each_setting_is_judged_by_itself(self) -> None:
        found = finding("sample", where("sample", 20, 1.0, rise=1.0))
        assert found.answer == "mixed"
        assert found.sentence == "1 of 2 settings gets sharper, then flatter: scale 0.1 (20 of 20)."

    def test_a_peak_at_the_first_margins_is_no_rise(self) -> None:
        assert answer("sample", where("sample", peak_margin=0.5)) == "no"
        assert answer("sample", where("sample", peak_margin=0.51)) == "yes"

    def test_curves_that_end_early_do_not_count(self) -> None:
        few = finding("sample", where("sample", 5, largest_margin=5.9, rise=1.0))
        assert few.sentence == "Both settings get sharper, then flatter."
        assert few.numbers["scale 1"] == "15 of 15"
        assert few.numbers["curves that end before margin 6"] == 10
        assert answer("sample", where("sample", largest_margin=5.9)) == "premise_not_met"

    def test_it_depends_on_the_step_size(self) -> None:
        def fast(row: dict[str, Any]) -> dict[str, Any]:
            hit = row["arm"] == "sample" and row["scale"] == 1.0
            return {**row, "step_size": 1.2, "rise": 1.0, "scale": 0.1} if hit else row

        found = finding("sample", fast)
        assert found.answer == "mixed"
        assert found.sentence == "1 of 2 settings gets sharper, then flatter: η = 0.1 (20 of 20)."


def test_runs_without_a_curve_meet_no_premise() -> None:
    found = CLAIM.judge(synthetic(lambda row: row if row["arm"] == "one_neuron" else {**row, "rise": None}))
    words = {part: word("open question", judged.finding.answer) for part, judged in found.items()}
    assert words == {
        "closed_form": "yes", "whole_hessian": "yes", "gradient_flow": "premise_not_met",
        "initialization": "premise_not_met", "sample": "premise_not_met",
    }  # fmt: skip


@pytest.mark.parametrize(
    ("overrides", "sentence"),
    [
        ({"records": "4"}, "records must be at least 5, got 4"),
        ({"flow_step_size": "0"}, "step_size must be finite and positive, got 0.0"),
        ({"scales": "0"}, "scale must be finite and positive, got 0.0"),
        ({"truth": "wav"}, "unknown curve 'wav'"),
    ],
)
def test_refused_before_the_first_run(overrides: dict[str, str], sentence: str) -> None:
    with pytest.raises(InputError, match=sentence):
        CLAIM.specs(CLAIM.settings(overrides))
