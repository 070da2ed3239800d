"""`confident-curvature`: closed forms against dense Hessians and descent, the rule, a tiny run, figures."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray
from scipy.optimize import minimize_scalar

import stepscape as ss
from stepscape import experiments
from stepscape.errors import InputError
from stepscape.experiments.common import ledger
from stepscape.experiments.common.experiment import Result, resolve_settings
from stepscape.experiments.confidence import confident_curvature as work
from stepscape.experiments.confidence import confident_curvature_rule as rule
from stepscape.experiments.confidence import one_example
from stepscape.figures import style
from stepscape.objectives import Hessian
from stepscape.tables import Table

NAME = "confident-curvature"
TINY = {"width": "50", "steps": "400", "flow_steps": "4000", "records": "10", "n": "20", "seeds": "2"}
POINTS, MARGINS = (0.0, 0.5, -1.0, 3.0), (0.05, 0.7, 1.5, 4.0, 12.0)
Array = NDArray[np.float64]
Change = Callable[[dict[str, Any]], dict[str, Any]]


def tiny(workers: int = 0, **overrides: str) -> Result:
    experiment = experiments.get(NAME)
    return experiments.run(experiment, resolve_settings(experiment, {**TINY, **overrides}), workers=workers)


@pytest.fixture(scope="module")
def result() -> Result:
    return tiny()


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
         "peak_margin_whole": 1.6} for x in (0.0, 1.0)
    ]  # fmt: skip
    for seed in range(10):
        for scale in (1.0, 0.1):
            here = {**curve, "scale": scale, "seed": seed, "gradient_start": 2.0, "gradient_end": 9.0}
            rows += [
                {**here, "arm": "one_example", "x": 0.5, "step_size": 0.001, "gap": 0.01,
                 "rise_predicted": 2.0, "peak_margin_predicted": 1.5},
                {**here, "arm": "sample", "x": 0.0, "step_size": 0.1, "rose_and_fell": 0.7, "only_fell": 0.2,
                 "edge_ratio": 1.0},
            ]  # fmt: skip
    return Result(NAME, {}, Table.from_records([change(row) for row in rows]))


def words(change: Change = dict) -> dict[str, str]:
    return {part: verdict.word for part, verdict in rule.judge(synthetic(change)).items()}


def where(arm: str, seeds: int = 99, scale: float = 0.0, **values: Any) -> Change:
    def change(row: dict[str, Any]) -> dict[str, Any]:
        hit = row["arm"] == arm and row["seed"] < seeds and scale in (0.0, row["scale"])
        return {**row, **values} if hit else row

    return change


class TestRule:
    def test_as_claimed(self) -> None:
        found = words()
        assert found.pop("closed_form") == "consistent"
        assert set(found.values()) == {"reproduced"}

    @pytest.mark.parametrize("gap", ["gap", "gap_whole"])
    def test_a_formula_that_is_wrong(self, gap: str) -> None:
        assert words(lambda row: {**row, gap: 2e-6})["closed_form"] == "false_as_stated"

    @pytest.mark.parametrize(
        "broken", [{"rise": 1.05}, {"peak_margin": 1.37}, {"tail_slope": -0.5}, {"largest_margin": 3.0}]
    )
    def test_one_neuron(self, broken: dict[str, Any]) -> None:
        assert words(where("one_neuron", **broken))["one_neuron"] == "not_reproduced"
        half = words(lambda row: {**row, **broken} if row["x"] == 1.0 else row)
        assert half["one_neuron"] == "partly"

    def test_whole_hessian(self) -> None:
        lower = where("one_neuron", rise_whole=0.9)
        assert words(lower)["whole_hessian"] == "partly"
        flat = where("one_neuron", peak_margin_whole=0.1)
        assert words(lambda row: flat(lower(row)))["whole_hessian"] == "not_reproduced"

    def test_flow(self) -> None:
        assert words(where("one_example", 1, 1.0, gap=0.2))["one_example"] == "reproduced"
        assert words(where("one_example", 3, gap=0.2))["one_example"] == "partly"
        assert words(where("one_example", 8, rise=1.0))["one_example"] == "not_reproduced"
        assert words(where("one_example", rise=1.0, rise_predicted=1.12))["one_example"] == "reproduced"
        assert words(where("one_example", rise=1.0, rise_predicted=1.0))["one_example"] == "reproduced"

    @pytest.mark.parametrize(
        "broken", [{"rise": 1.0}, {"peak_margin": 0.9}, {"tail_slope": -0.5}, {"largest_margin": 3.0}]
    )
    def test_initializations(self, broken: dict[str, Any]) -> None:
        default, small = "default_initialization", "small_initialization"
        found = words(where("one_example", 3, 1.0, **broken))
        assert (found[default], found[small]) == ("partly", "reproduced")
        assert words(where("one_example", 6, 1.0, **broken))[default] == "not_reproduced"
        found = words(where("one_example", 6, 0.1, **broken))
        assert (found[default], found[small]) == ("reproduced", "not_reproduced")
        assert words(where("one_example", 5, 0.1, **broken))[small] == "reproduced"

    def test_sample(self) -> None:
        assert words(where("sample", 6, 1.0, rise=1.0))["sample"] == "partly"
        assert words(where("sample", peak_margin=0.4))["sample"] == "not_reproduced"
        assert words(where("sample", 9, largest_margin=3.9, rise=1.0))["sample"] == "reproduced"
        assert words(where("sample", largest_margin=3.9))["sample"] == "premise_not_met"

    def test_nothing_finished(self) -> None:
        found = words(lambda row: row if row["arm"] == "one_neuron" else {**row, "rise": None})
        unmet = {part for part, word in found.items() if word == "premise_not_met"}
        assert unmet == {"one_example", "default_initialization", "small_initialization", "sample"}
        empty = rule.judge(Result(NAME, {}, Table.from_records([{"arm": "other"}])))
        assert {verdict.word for verdict in empty.values()} == {"premise_not_met"}


class TestRun:
    def test_every_run_has_its_row(self, result: Result) -> None:
        assert len(result.table) == 4 + 2 * 2 * (2 + 3)  # x, seeds × scales × (examples + step sizes)

    def test_verdicts(self, result: Result) -> None:
        found = {part: verdict.word for part, verdict in experiments.get(NAME).judge(result).items()}
        assert found["closed_form"] == "consistent"
        assert found["one_neuron"] == "reproduced"
        assert found["one_example"] == "reproduced"

    def test_the_premises_are_columns(self, result: Result) -> None:
        found = {
            (p.column, p.arm): p.measured
            for p in ledger.premises(experiments.get(NAME).premises, result.table)
        }
        assert found["largest_margin", "one_neuron"] == 4
        assert found["confident", "sample"] == 12

    def test_workers_change_no_bit(self) -> None:
        few: dict[str, Any] = {
            "points": "1",
            "learned": "0.5",
            "scales": "1",
            "descents": "0.1",
            "seeds": "1",
        }
        one, two = tiny(1, **few), tiny(2, **few)
        assert repr(one.table.records()) == repr(two.table.records())
        assert all(np.array_equal(one.arrays[key], two.arrays[key]) for key in one.arrays)

    def test_a_run_that_diverges_is_a_row(self) -> None:
        table = tiny(
            points="1", learned="3", scales="1", descents="1e9", seeds="1", flow_step_size="1e9"
        ).table
        assert (table.where(arm="sample")["outcome"] == "diverged").all()
        found = rule.judge(Result(NAME, {}, table))
        assert found["sample"].word == found["one_example"].word == "premise_not_met"

    @pytest.mark.usefixtures("nothing_computes")
    def test_figures_read_the_result_and_compute_nothing(self, result: Result) -> None:
        figures = experiments.get(NAME).figures(result)
        assert set(figures) == {"one-neuron", "one-example", "sample"}
        for figure in figures.values():
            assert len(style.svg(figure)) < 700_000
            assert figure.axes[-1].get_xlabel()

    @pytest.mark.parametrize(
        ("overrides", "sentence"),
        [
            ({"seeds": "0"}, "seeds must be at least 1, got 0"),
            ({"records": "4"}, "records must be at least 5, got 4"),
            ({"flow_step_size": "0"}, "step_size must be finite and positive, got 0.0"),
            ({"scales": "0"}, "scale must be finite and positive, got 0.0"),
            ({"truth": "wav"}, "unknown curve 'wav'"),
        ],
    )
    def test_refused_before_the_first_run(self, overrides: dict[str, str], sentence: str) -> None:
        experiment = experiments.get(NAME)
        with pytest.raises(InputError, match=sentence):
            experiment.specs(resolve_settings(experiment, {**TINY, **overrides}))
