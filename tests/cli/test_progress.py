"""How long work takes, said at the start; a line per minute in a log; nothing where it is quick."""

from __future__ import annotations

import time

import msgspec
import pytest

import claims
from commands import said
from stepscape import experiments
from stepscape.cli import console, expectation, reference_ledger
from stepscape.cli.carry_out import Resources
from stepscape.experiments.frame import ledger
from stepscape.lab.store import Store


def log_of(capsys, monkeypatch, block, period=0.05, **options):
    monkeypatch.setattr(console, "EARLY", period)
    monkeypatch.setattr(console, "PERIOD", period)
    with console.progress("work", **options) as progress:
        block(progress)
    printed = capsys.readouterr()
    assert printed.out == ""
    return printed.err.splitlines()


def slow(progress):
    for i in range(30):
        progress((i + 1) / 40, f"{i + 1} of 40 runs")
        time.sleep(0.02)


def test_a_log_says_what_is_done_since_when_and_for_how_long_still(capsys, monkeypatch):
    lines = log_of(capsys, monkeypatch, slow, expected=1.0)
    assert lines
    for line in lines:
        done = int(line.split("%, ")[1].split()[0])
        assert line.startswith(f"stepscape: work: {done / 40:.0%}, {done} of 40 runs; ")
        assert " s so far, about 5 seconds left" in line


def test_what_is_quick_says_nothing(capsys, monkeypatch):
    assert log_of(capsys, monkeypatch, lambda progress: progress(1.0, "done"), expected=1.0) == []


def test_long_work_says_at_its_start_how_long_it_takes(capsys, monkeypatch):
    lines = log_of(capsys, monkeypatch, lambda _: None, expected=590.0, workers=2)
    assert lines == ["stepscape: work takes about 10 minutes on 2 cores"]
    lines = log_of(capsys, monkeypatch, lambda _: None, expected=25.0, workers=1)
    assert lines == ["stepscape: work takes about 25 seconds on 1 core"]


def test_where_nobody_knows_the_first_seconds_tell(capsys, monkeypatch):
    monkeypatch.setattr(console, "LONG", 0.5)
    lines = log_of(capsys, monkeypatch, slow)
    assert lines[0].startswith("stepscape: work takes about 5 seconds on ")


def test_a_resumed_sweep_is_measured_by_what_is_made_now(capsys, monkeypatch):
    def resumed(progress):
        progress(0.5, "")
        time.sleep(0.2)
        progress(0.5005, "half")
        time.sleep(0.2)

    lines = [line for line in log_of(capsys, monkeypatch, resumed, expected=1.0) if "half" in line]
    # 0.05 % in 0.2 s leaves half of all for 200 s or more; measured from 0 it would be 0.2 s.
    assert lines
    assert all("minutes left" in line for line in lines)


@pytest.fixture
def book(toys):
    """A committed ledger in which each of 12 quick runs of the toy took 10 s."""
    claim = claims.claim()
    result = experiments.run(claim, claim.settings())
    entry = ledger.enter(claim, result, "quick", seconds=120.0)
    entry = msgspec.structs.replace(entry, settings={**claim.quick, "steps": 100})
    books = {"quick": [entry], "full": []}
    toys.setattr(expectation, "reference_ledger", lambda size: ledger.Ledger(size, books[size], {}))
    return claim


def test_expected_time_counts_missing_runs_once_and_shares_them_among_workers(book, tmp_path, monkeypatch):
    from stepscape.lab import pool

    monkeypatch.setattr(pool, "cores", lambda: 4)
    store = Store.create(tmp_path / "store")
    chosen = [(book, {**book.quick, "steps": 100})] * 2
    drawing = 2 * expectation.DRAWING

    def seconds(**options):
        return expectation.expected(chosen, "quick", store, Resources(**options))

    assert seconds(workers=2) == pytest.approx(60.0 + drawing)
    assert seconds(workers=0) == pytest.approx(30.0 + drawing)
    assert seconds(workers=64) == pytest.approx(30.0 + drawing)  # four cores do not compute faster
    assert seconds(executor="serial", workers=4) == pytest.approx(120.0 + drawing)
    assert seconds(executor="dask") != seconds(executor="dask")  # nan: nobody knows the cluster


@pytest.mark.usefixtures("book")
def test_a_run_with_more_steps_takes_longer():
    assert expectation.run_seconds("toy", "quick", {"steps": 300}) == pytest.approx(30.0)
    assert expectation.run_seconds("toy", "full", {"steps": 100}) == pytest.approx(10.0)  # the other size
    assert expectation.run_seconds("nobody", "quick", {}) != expectation.run_seconds("nobody", "quick", {})


def test_what_is_on_record_takes_no_time(book, capsys, monkeypatch):
    monkeypatch.setattr(console, "LONG", 0.1)
    assert "stepscape: toy takes about 5 seconds on " in said(capsys, "run", "toy").err
    store = Store.open("stepscape-toy/store")
    assert expectation.expected([(book, book.quick)], "quick", store, Resources()) == 0.0
    assert " takes " not in said(capsys, "run", "toy", "--force").err


def test_the_times_of_all_real_claims_are_known():
    for name in experiments.names():
        claim = experiments.get(name)
        for size, settings in zip(reference_ledger.SIZES, (claim.full, claim.quick), strict=True):
            assert 0.0 < expectation.run_seconds(name, size, settings) < 600.0


@pytest.mark.parametrize(
    ("seconds", "words"),
    [
        (1.0, "about 5 seconds"), (57.4, "about 55 seconds"), (57.6, "about 1 minute"),
        (95.0, "about 2 minutes"),
        (3569.0, "about 59 minutes"), (3600.0, "about 1 hour"), (5400.0, "about 1.5 hours"),
        (180_000.0, "about 2 days"),
    ],
)  # fmt: skip
def test_an_estimate_is_rounded(seconds, words):
    assert console.roughly(seconds) == words
