"""What every claim promises, tested once for all of them, and for a toy claim that takes no time."""

from __future__ import annotations

import dataclasses
import string
from collections.abc import Callable, Sequence
from importlib import resources
from typing import Any

import numpy as np
import pytest

import frame_claims
from figure_checks import faults
from stepscape import experiments
from stepscape.errors import InputError
from stepscape.experiments.frame import Claim, Drawn, Result, Run, ledger
from stepscape.experiments.frame.claim import MOST_PARTS
from stepscape.experiments.frame.kinds import WORDS
from stepscape.kernels import relu1d
from stepscape.lab.pool import run_all
from stepscape.lab.spec import Spec
from stepscape.network import TwoLayerReLU
from stepscape.tables.records import Record

CLAIMS: dict[str, Claim] = {"toy": frame_claims.CLAIM} | {
    name: experiments.get(name) for name in experiments.names()
}
LONGEST_SETUP = 80  # words
QUICK = 6.0  # worker-seconds
every_claim = pytest.mark.parametrize("name", CLAIMS, scope="module")  # all tests of one claim, then the next
Known = dict[tuple[Callable[..., Record], Spec], Record]


@pytest.fixture(scope="module")
def alone() -> Known:
    """Records of runs made one after the other; claims that share runs share their records."""
    return {}


@pytest.fixture(scope="module")
def together() -> Known:
    """Records of runs made by two workers at once."""
    return {}


def records(claim: Claim, specs: Sequence[Spec], workers: int, known: Known) -> list[Record]:
    """Return the records of some runs; those that are known are not made again."""
    new = [spec for spec in specs if (claim.work, spec) not in known]
    for spec, record in zip(new, run_all(claim.work, new, workers, lambda _: None), strict=True):
        known[claim.work, spec] = record
    return [known[claim.work, spec] for spec in specs]


@pytest.fixture(scope="module")
def tiny(name: str, alone: Known) -> Result:
    """The result of tiny runs on one worker, made once a claim."""
    claim = CLAIMS[name]
    settings = frame_claims.tiny(claim.quick)
    specs = claim.specs(settings)
    return claim.collect(settings, specs, records(claim, specs, 1, alone))


@pytest.fixture(scope="module")
def drawn(name: str, tiny: Result) -> dict[str, Drawn]:
    """The figures of the tiny result, drawn where nothing can be trained or evaluated."""

    def forbidden(*_: object, **__: object) -> None:
        raise AssertionError("a figure trained or measured")

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(relu1d, "descend", forbidden)
        patch.setattr(TwoLayerReLU, "predict", forbidden)
        return CLAIMS[name].draw(tiny)


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
def test_equal_bits_with_one_worker_and_two(name: str, alone: Known, together: Known) -> None:
    """Two workers begin at the other end; other seeds of the same arms and step sizes run the same code."""
    claim = CLAIMS[name]
    specs = of_first_seeds(claim.specs(frame_claims.tiny(claim.quick)))[::-1]
    for one, two in zip(records(claim, specs, 1, alone), records(claim, specs, 2, together), strict=True):
        assert (one.outcome, one.reason) == (two.outcome, two.reason)
        assert str(one.numbers) == str(two.numbers)  # nan is not nan
        assert one.arrays.keys() == two.arrays.keys()
        assert all(map(_same, one.arrays.values(), two.arrays.values()))


def of_first_seeds(specs: Sequence[Any]) -> list[Any]:
    """Keep the runs of the first seed of each kind of run, and all of a kind without seeds of its own."""
    first: dict[type, int] = {}
    for spec in specs:
        first.setdefault(type(spec), getattr(spec, "seed", 0))
    return [spec for spec in specs if getattr(spec, "seed", 0) == first[type(spec)]]


def _same(one: np.ndarray, other: np.ndarray) -> bool:
    return bool(np.array_equal(one, other, equal_nan=one.dtype.kind == "f"))


@every_claim
def test_figures_draw_a_stored_result_and_compute_nothing(drawn: dict[str, Drawn]) -> None:
    assert drawn
    for key, each in drawn.items():
        assert each.figure.axes, key
        assert len(each.caption.split()) >= 5, key


@every_claim
def test_figures_keep_the_style(drawn: dict[str, Drawn]) -> None:
    found = {key: faults(each.figure, each.caption, key) for key, each in drawn.items()}
    assert not any(found.values()), found


@every_claim
def test_diverged_failed_and_dead_runs_break_no_rule_and_no_figure(name: str, tiny: Result) -> None:
    claim = CLAIMS[name]
    for what, runs in losses(tiny).items():
        hurt = dataclasses.replace(tiny, runs=tuple(runs))
        for part, verdict in ledger.enter(claim, hurt, "quick").verdicts.items():
            assert verdict.word in WORDS, (what, part)
            assert verdict.sentence, (what, part)
        if what == "half diverged":
            claim.draw(hurt)


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
