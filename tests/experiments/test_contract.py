"""What every claim promises, tested once for all of them, and for a toy claim that takes no time."""

from __future__ import annotations

import dataclasses
import string
from importlib import resources
from typing import Any

import numpy as np
import pytest

import frame_claims
from figure_checks import faults
from stepscape import experiments
from stepscape.errors import InputError
from stepscape.experiments.frame import Claim, Result, Run, ledger, run
from stepscape.experiments.frame.claim import MOST_PARTS
from stepscape.experiments.frame.kinds import WORDS

CLAIMS: dict[str, Claim] = {"toy": frame_claims.CLAIM} | {
    name: experiments.get(name) for name in experiments.names()
}
LONGEST_SETUP = 80  # words
QUICK = 6.0  # worker-seconds
every_claim = pytest.mark.parametrize("name", CLAIMS)


@pytest.fixture(scope="module")
def results() -> dict[str, Result]:
    return {}


@pytest.fixture
def tiny(name: str, results: dict[str, Result]) -> Result:
    """The result of tiny runs on one worker, made once a claim."""
    if name not in results:
        claim = CLAIMS[name]
        results[name] = run(claim, frame_claims.tiny(claim.quick), workers=1)
    return results[name]


def committed(name: str) -> ledger.Entry:
    """The claim's entry in the committed quick ledger."""
    if name == "toy":
        pytest.skip("the toy claim is in no ledger")
    file = resources.files("stepscape") / "data" / "ledger-quick.json"
    entries = ledger.read(file.read_bytes(), file.name).entries
    return next(entry for entry in entries if entry.experiment.name == name)


@every_claim
def test_it_says_what_it_is(name: str) -> None:
    claim = CLAIMS[name]
    assert claim.name == name
    assert claim.title
    assert claim.source
    assert claim.claim.endswith((".", "?"))
    assert set(claim.quick) == set(claim.full)
    assert len(claim.setup.split()) <= LONGEST_SETUP, "the history belongs to the page"


@every_claim
def test_every_part_has_a_rule_that_shows_its_constants(name: str) -> None:
    claim = CLAIMS[name]
    assert 1 <= len(claim.parts) <= MOST_PARTS
    for part in claim.parts:
        assert part.words
        assert part.text.endswith("."), part.name
        shown = {field for _, field, _, _ in string.Formatter().parse(part.rule) if field}
        assert {field.partition("[")[0] for field in shown} == set(part.constants), part.name


@every_claim
def test_equal_bits_with_one_worker_and_two(name: str, tiny: Result) -> None:
    claim = CLAIMS[name]
    other = run(claim, frame_claims.tiny(claim.quick), workers=2)
    for one, two in zip(tiny.runs, other.runs, strict=True):
        assert str(one.row) == str(two.row)  # nan is not nan
        assert one.arrays.keys() == two.arrays.keys()
        assert all(map(_same, one.arrays.values(), two.arrays.values()))


def _same(one: np.ndarray, other: np.ndarray) -> bool:
    return bool(np.array_equal(one, other, equal_nan=one.dtype.kind == "f"))


@every_claim
def test_figures_draw_a_stored_result_and_compute_nothing(
    name: str,
    tiny: Result,  # made before computing is forbidden
    nothing_computes: None,  # noqa: ARG001
) -> None:
    drawn = CLAIMS[name].draw(tiny)
    assert drawn
    for key, each in drawn.items():
        assert each.figure.axes, key
        assert len(each.caption.split()) >= 5, key
        each.figure.canvas.draw()


@every_claim
def test_figures_keep_the_style(name: str, tiny: Result) -> None:
    drawn = CLAIMS[name].draw(tiny)
    found = {key: faults(each.figure, each.caption, key) for key, each in drawn.items()}
    assert not any(found.values()), found


@every_claim
def test_diverged_failed_and_dead_runs_break_no_rule_and_no_figure(name: str, tiny: Result) -> None:
    claim = CLAIMS[name]
    for what, runs in losses(tiny).items():
        hurt = dataclasses.replace(tiny, runs=tuple(runs))
        for part, judged in claim.judge(hurt).items():
            assert judged.word(claim.kind) in WORDS, (what, part)
            assert judged.finding.sentence, (what, part)
        if what == "half diverged":
            claim.draw(hurt)
        ledger.enter(claim, hurt, "quick")


def losses(result: Result) -> dict[str, list[Run]]:
    """Runs of which some or all are lost, one way or another."""
    runs = result.runs
    dead = [_with(each, bent_neurons=0) if "bent_neurons" in each.row else each for each in runs]
    return {
        "all diverged": [_diverged(each) for each in runs],
        "half diverged": [_diverged(each) if i % 2 else each for i, each in enumerate(runs)],
        "half failed": list(runs[::2]),
        "one left": list(runs[:1]),
        "one seed": [each for each in runs if each.row.get("seed") == runs[0].row.get("seed")],
        "all dead": dead,
        "half dead": [each if i % 2 else dead[i] for i, each in enumerate(runs)],
    }


def _diverged(one: Run) -> Run:
    names = list(one.row)
    kept = {name: one.row[name] for name in names[: names.index("outcome")]}
    few = {key: one.row[key] for key in ("initial_sharpness", "steps_made") if key in one.row}
    return Run({**kept, "outcome": "diverged", "diverged": True, "reason": "the loss grew", **few})


def _with(one: Run, **changes: Any) -> Run:
    return Run({**one.row, **changes}, one.arrays)


@every_claim
def test_settings_are_refused_by_name(name: str) -> None:
    claim = CLAIMS[name]
    with pytest.raises(InputError, match=f"unknown setting of {name} 'stepz'"):
        claim.settings({"stepz": "1"})
    base = frame_claims.tiny(claim.quick)
    whole = [key for key, value in base.items() if isinstance(value, int) and not isinstance(value, bool)]
    for key in whole:
        word = key.rpartition("_")[2].rstrip("s")
        with pytest.raises(InputError, match=word):
            claim.specs({**base, key: -1})


@every_claim
def test_premises_are_columns(name: str, tiny: Result) -> None:
    assert set(CLAIMS[name].premises) <= set(tiny.table.columns)


@every_claim
def test_the_quick_size_is_quick_and_its_ledger_up_to_date(name: str) -> None:
    entry = committed(name)
    assert ledger.changed_rules(entry, CLAIMS[name]) == []
    assert entry.seconds <= QUICK


@every_claim
def test_a_quick_run_could_decide_every_part_before_it_was_made(name: str) -> None:
    """The committed quick ledger holds no verdict that more agreement could not have settled."""
    for verdict in committed(name).verdicts.values():
        for found in (verdict, *verdict.rows.values()):
            assert "could not decide" not in found.sentence
