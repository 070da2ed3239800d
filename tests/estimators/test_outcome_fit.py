"""The fit of an outcome of two values: what it says, its figures, where it is uncertain, its refusals."""

from __future__ import annotations

import json
import pickle
from dataclasses import replace
from itertools import pairwise

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from stepscape import problems
from stepscape.errors import InputError
from stepscape.estimators import OutcomeFit, fit_outcome
from stepscape.figures import outcome
from stepscape.figures.fit_pictures import outcome_picture
from stepscape.figures.output import svg
from stepscape.measures import certify
from stepscape.measures.uncertainty import uncertain_intervals
from stepscape.report.certificates import certificate_blocks
from stepscape.report.content import Bound, Facts, Fold
from stepscape.report.words import number
from stepscape.tables.records import Table

QUICK = {"width": 40, "steps": 1200, "n_splits": 3}


def sample(n: int = 120) -> tuple[np.ndarray, np.ndarray]:
    drawn = problems.bernoulli("wave", n, amplitude=3.0, seed=1)
    return 10.0 * drawn.inputs + 50.0, (drawn.labels > 0).astype(float)


@pytest.fixture(scope="module")
def chosen() -> OutcomeFit:
    named = {"classes": ("well", "sick"), "x_name": "times", "y_name": "a$b$<c>"}
    return fit_outcome(*sample(), step_sizes=[4.0, 1.0, 0.2], **named, **QUICK)


@pytest.fixture(scope="module")
def budget() -> OutcomeFit:
    return fit_outcome(*sample(), step_size=1.0, stopping="budget", **QUICK)


def test_predicts_at_the_users_inputs(chosen: OutcomeFit) -> None:
    x, y = sample()
    probability = chosen.predict(x)
    np.testing.assert_array_equal(probability, chosen.classifier.predict_proba(x)[:, 1])
    assert np.mean((probability > 0.5) == y) > 0.6
    columns = chosen.predictions([20.0, 55.0, 80.0])
    assert columns["prediction"] == chosen.predict([20.0, 55.0, 80.0]).tolist()
    assert columns["predicted_class"] == [["well", "sick"][p > 0.5] for p in columns["prediction"]]
    assert "1 of 2 predictions lie outside the data (times from" in chosen.outside_warning([50.0, 99.0])
    assert chosen.outside([50.0, 99.0]).tolist() == [False, True]


def test_summary_is_json(chosen: OutcomeFit) -> None:
    summary = json.loads(json.dumps(chosen.summary(), allow_nan=False))
    assert summary["prediction"] == "probability of a$b$<c> = 'sick'"
    assert len(summary["path"]) == 3
    assert len(summary["times"]) > 3
    assert summary["log_loss"] == pytest.approx(min(row["cv_error"] for row in summary["times"]))
    assert summary["units"].startswith("standardized units: (times - ")
    _, y = sample()
    assert y.mean() != 0.5
    assert summary["base_brier"] == pytest.approx(y.var(), rel=1e-12)  # of one probability, the share
    assert summary["class_rows"] == [(y == 0).sum(), (y == 1).sum()]
    assert summary["log_loss_standard_error"] == chosen.classifier.standard_error_
    assert summary["at_edge"] == (summary["edge_ratio"] >= 0.9)
    assert "120 rows, step size" in repr(chosen)


def test_says_what_was_done(chosen: OutcomeFit, budget: OutcomeFit) -> None:
    said = " ".join(chosen.done)
    assert "times was standardized to mean 0 and standard deviation 1" in said
    assert "step size and number of steps chosen by 3-fold cross-validation of the log-loss among" in said
    assert not any("cross-validation" in sentence for sentence in budget.done)
    assert budget.path is None
    one = fit_outcome(*sample(), step_size=1.0, **QUICK)
    assert any(sentence.startswith("the number of steps chosen by 3-fold") for sentence in one.done)
    doubled = fit_outcome(*(np.repeat(column, 2) for column in sample()), step_size=1.0, **QUICK)
    assert "240 rows were merged into 120 distinct x, exactly, through weights" in doubled.done
    np.testing.assert_array_equal(doubled.predict(sample()[0]), one.predict(sample()[0]))


def test_warns_of_what_a_reader_must_know(monkeypatch: pytest.MonkeyPatch) -> None:
    x, y = sample()
    few = fit_outcome(x, y, step_size=1.0, stopping="budget", width=1, steps=20)
    assert any("neurons bend inside the data: the logit is almost a line" in said for said in few.warnings)
    monkeypatch.setattr("stepscape.problems.user.units.MOST_INPUTS", 30)
    binned = fit_outcome(x, y, step_size=1.0, stopping="budget", width=10, steps=20)
    assert "the data were binned, so knots are located no more finely than a bin" in binned.warnings
    assert "120 distinct x were averaged into 30 bins of equal weight for training" in binned.done


def test_figures_draw_hostile_names(chosen: OutcomeFit, budget: OutcomeFit) -> None:
    drawn = outcome.figures(outcome_picture(chosen))
    assert list(drawn) == ["fit", "calibration", "path", "times"]
    for figure in drawn.values():
        text = svg(figure)
        assert text.startswith("<svg")
        assert "<c>" not in text
    assert list(outcome.figures(outcome_picture(budget))) == ["fit"]
    for name in ("calibration", "path", "times"):
        with pytest.raises(ValueError, match=f"^{name}_figure needs a fit "):
            getattr(outcome, f"{name}_figure")(outcome_picture(budget))


def test_the_picture_is_the_fit(chosen: OutcomeFit) -> None:
    picture = outcome_picture(chosen)
    assert picture.pieces == chosen.summary()["measures"]["pieces"]
    np.testing.assert_array_equal(picture.logit, chosen.classifier.decision_function(picture.grid))
    np.testing.assert_allclose(picture.knot_logits, chosen.classifier.decision_function(picture.knots))
    assert picture.grid[0] == chosen.x.min()
    assert picture.grid[-1] == chosen.x.max()
    inside = np.linspace(chosen.x.min(), chosen.x.max(), 997)[1:-1]  # no point of the grid
    broken = np.interp(inside, picture.grid, picture.logit)
    np.testing.assert_allclose(broken, chosen.classifier.decision_function(inside), atol=1e-8)


@pytest.mark.filterwarnings("error")
def test_a_class_that_no_fold_held_out_is_not_counted(chosen: OutcomeFit) -> None:
    picture = outcome_picture(chosen)
    lone = np.where(picture.known == 1.0, np.nan, picture.predicted)
    lower = outcome.calibration_figure(replace(picture, predicted=lone)).axes[1]
    assert sum(bar.get_height() for bar in lower.patches) == np.sum(picture.known == 0.0)


def test_the_figure_shades_where_the_fit_is_uncertain(chosen: OutcomeFit) -> None:
    figure = outcome.fit_figure(outcome_picture(chosen))
    assert {"'sick'", "'well'"} <= {text.get_text() for text in figure.axes[0].texts}
    assert " is uncertain " in figure.get_suptitle().replace("\n", " ")
    for ax in figure.axes:
        shaded = [patch.get_extents().width for patch in ax.patches]
        assert len(shaded) == len(chosen.uncertain["intervals"])


@given(arrays(float, st.integers(2, 8), elements=st.floats(-4.0, 4.0)), st.floats(0.1, 3.0))
def test_uncertain_intervals_are_where_the_line_is_small(logits: np.ndarray, level: float) -> None:
    points = np.sqrt(np.arange(logits.size) + 0.3)  # differences of neighbors are rounded
    found = uncertain_intervals(points, logits, level)
    ends = [end for pair in found for end in pair]
    assert all(one < other for one, other in pairwise(ends))  # not even touching
    at = np.linspace(points[0], points[-1], 401)
    size = np.abs(np.interp(at, points, logits))
    within = np.zeros(at.size, dtype=bool)
    for low, high in found:
        within |= (at >= low - 1e-9) & (at <= high + 1e-9)
    assert within[size < level - 1e-6].all()
    for low, high in found:
        middle = at[(at > low + 1e-6) & (at < high - 1e-6)]
        assert np.all(np.abs(np.interp(middle, points, logits)) <= level + 1e-6)


def test_neighbors_within_the_level_are_one_interval() -> None:
    points = np.sort(np.random.default_rng(0).normal(size=200))
    assert uncertain_intervals(points, np.zeros(200)) == [(points[0], points[-1])]


@pytest.mark.parametrize("errors", [(3.0, 9.0), (1.5, 30.0), (0.3, 0.4), (0.9, 0.9)])
def test_axes_of_errors_show_the_best_and_no_fit_and_are_upright(
    chosen: OutcomeFit, errors: tuple[float, float]
) -> None:
    def scaled(table: Table) -> Table:
        span = np.linspace(*errors, len(table))
        return Table({**table.columns, "cv_error": span, "chosen": span == span.min()})

    base = 0.69
    assert chosen.path is not None
    assert chosen.classifier.times_ is not None
    picture = replace(
        outcome_picture(chosen), path=scaled(chosen.path), times=scaled(chosen.classifier.times_), base=base
    )
    for figure in (outcome.path_figure(picture), outcome.times_figure(picture)):
        low, high = figure.axes[0].get_ylim()
        assert low < min(errors) < high
        assert base < high
        assert high < 1.1 * max(2.0 * base, 2.0 * min(errors))


def test_step_sizes_out_of_sight_are_marked_and_no_legend_hides_a_curve(chosen: OutcomeFit) -> None:
    times = chosen.classifier.times_
    assert times is not None
    largest = times["step_size"].max()
    far = np.where(times["step_size"] == largest, 1e3, 0.5)
    picture = replace(outcome_picture(chosen), times=Table({**times.columns, "cv_error": far}))
    for figure in (outcome.times_figure(picture), outcome.path_figure(outcome_picture(chosen))):
        assert figure.legends
        assert all(ax.get_legend() is None for ax in figure.axes)
    names = [text.get_text() for text in outcome.times_figure(picture).legends[0].get_texts()]
    assert [name for name in names if "above the axis" in name] == [
        f"step size {largest:.2g} (above the axis)"
    ]
    gone = replace(picture, times=Table({**times.columns, "cv_error": np.where(far > 1.0, np.nan, 0.5)}))
    names = [text.get_text() for text in outcome.times_figure(gone).legends[0].get_texts()]
    assert f"step size {largest:.2g} (diverged)" in names


def test_a_logit_beyond_the_axis_is_told_in_words(chosen: OutcomeFit) -> None:
    far = np.linspace(-33.5, 48.4, outcome_picture(chosen).logit.size)
    figure = outcome.fit_figure(replace(outcome_picture(chosen), logit=far))
    assert "beyond the axis: the logit runs from −33.5 to 48.4" in [
        t.get_text() for t in figure.axes[1].texts
    ]


def test_two_rows_have_figures() -> None:
    found = fit_outcome([0.0, 1.0], [0.0, 1.0], step_sizes=[1.0, 0.5], width=10, steps=400)
    for figure in outcome.figures(outcome_picture(found)).values():
        for ax in figure.axes:
            assert ax.get_ylim()[0] < ax.get_ylim()[1]


def test_certificates_say_which_margin_counts_as_uncertain(chosen: OutcomeFit) -> None:
    told = dict(chosen.summary()["certificates"])
    half = dict(chosen.classifier.certificates_)  # as summarized, but for the margin
    half["uncertain"] = certify(chosen.classifier.problem_, chosen.classifier.trajectory_.network, gamma=0.5)[
        "uncertain"
    ]
    for certificates, gamma in ((told, "1"), ({name: c.record() for name, c in half.items()}, "0.5")):
        [fold] = [block for block in certificate_blocks(certificates) if isinstance(block, Fold)]
        [facts] = [block for block in fold.blocks if isinstance(block, Facts)]
        said = dict(facts.pairs)
        assert f"|f| ≤ γ, here {gamma};" in str(said["uncertain"])
        best = number(certificates["uncertain_best"]["details"]["gamma"])
        assert f"that makes the bound smallest, {best}" in str(said["uncertain_best"])


def test_premises_stand_in_words_with_each_certificate_where_none_is_shared(chosen: OutcomeFit) -> None:
    certificates = chosen.summary()["certificates"]
    bounds = [block for block in certificate_blocks(certificates) if isinstance(block, Bound)]
    assert [bound.name for bound in bounds] == list(certificates)
    assert any(premise.startswith("logistic loss") for bound in bounds for premise in bound.premises)


def test_survives_pickling(budget: OutcomeFit) -> None:
    again = pickle.loads(pickle.dumps(budget))
    np.testing.assert_array_equal(again.predict(budget.x), budget.predict(budget.x))


@pytest.mark.parametrize(
    ("x", "y", "sentence"),
    [
        ([1.0, 2.0], [1.0], "x and y must have the same length, got 2 and 1"),
        ([1.0, 2.0], [1.0, 1.0], "y must hold 0 and 1, both of them and nothing else, got 1$"),
        ([1.0, 2.0, 3.0], [0.0, 1.0, 2.0], "y must hold 0 and 1, .* got 0, 1, 2$"),
        ([1.0, np.inf], [0.0, 1.0], "x must be finite, got inf at index 1"),
        ([2.0, 2.0], [0.0, 1.0], "at least two distinct inputs"),
    ],
)
def test_bad_tables_are_refused(x: list[float], y: list[float], sentence: str) -> None:
    with pytest.raises(InputError, match=sentence):
        fit_outcome(x, y, step_size=0.1, **QUICK)
