"""The command verify: the ledger, resumed where it stopped, strict, and honest about what failed."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

import claims
from commands import said
from stepscape import experiments
from stepscape.cli import reference_ledger as reference_ledger
from stepscape.cli import verify
from stepscape.experiments.frame import ledger
from stepscape.lab.store import Store
from toys import RUNS, calls, commit, made, register

pytestmark = pytest.mark.usefixtures("toys")


def test_verify_prints_and_writes_the_ledger(capsys):
    out = said(capsys, "verify", "--long").out
    for words in (
        "The title of toy",
        "Claim (figure): What toy claims & more",
        "Source: A document, its third page",
        "● The first part (decides): REPRODUCED",
        "≤ The second part: CONSISTENT",
        "12 runs (8 finished, 4 diverged); total compute time",
        "The title of other",
    ):
        assert words in out, words
    files = {
        str(p.relative_to("stepscape-ledger")) for p in Path("stepscape-ledger").rglob("*") if p.is_file()
    }
    drawn = {f"figures/{name}-risk.{kind}" for name in ("toy", "other") for kind in ("svg", "png")}
    assert {name for name in files if not name.startswith("store/")} == {
        "ledger.json", "report.html", "claims/toy.html", "claims/other.html", *drawn
    }  # fmt: skip
    entry = made().entries[0]
    assert made().names == ["toy", "other"]
    assert [entry.shared for entry in made().entries] == [[], []]
    assert made().seconds == pytest.approx(sum(entry.seconds for entry in made().entries))
    assert entry.runs == ledger.Runs(8, 4, 0)
    # What the runs took is the sum of what is on record, whoever computed them and when.
    rows = [row for row in Store.open("stepscape-ledger/store").rows() if row["claim"] == "toy"]
    assert entry.seconds == pytest.approx(sum(row["seconds"] for row in rows)) != 0.0
    assert {p.column for p in entry.premises} == {"bent_neurons", "inside", "never"}
    assert made().provenance["numpy"]


def test_verify_prints_one_line_per_claim(capsys):
    out = said(capsys, "verify").out
    table = [line.split() for line in out.splitlines()[:3]]
    assert table[0] == ["claim", "verdict", "other", "parts", "runs", "compute", "time"]
    assert [row[:5] for row in table[1:]] == [
        ["toy", "reproduced", "1", "consistent", "12"],
        ["other", "reproduced", "1", "consistent", "12"],
    ]
    assert "What toy claims" not in out


def test_a_ledger_that_stands_whole_is_not_drawn_again(capsys, toys):
    first = json.loads(said(capsys, "verify", "--json").out)
    before = {path: path.read_bytes() for path in Path("stepscape-ledger").glob("[!s]*") if path.is_file()}
    for module, name in (("toy_one", "toy"), ("toy_two", "other")):
        register(toys, module, claims.claim(name, draw=pytest.fail))
    assert json.loads(said(capsys, "verify", "--json").out) == first
    assert {path: path.read_bytes() for path in before} == before


@pytest.mark.parametrize(
    "change", ["report.html", "claims/toy.html", "figures/toy-risk.svg", "code", "verdict"]
)
def test_a_ledger_is_drawn_again_when_anything_of_it_changed(capsys, toys, change):
    drawn = []

    def draw(result):
        drawn.append(1)
        return claims.draw(result)

    said(capsys, "verify", "toy")
    if change == "code":
        toys.setattr(verify, "code", lambda: "another")
    elif change == "verdict":
        claims.ANSWER[0] = "mixed"
    else:
        Path("stepscape-ledger", change).unlink()
    register(toys, "toy_one", claims.claim(draw=draw))
    said(capsys, "verify", "toy")
    assert drawn == [1]
    assert Path("stepscape-ledger/report.html").is_file()
    assert Path("stepscape-ledger/figures/toy-risk.svg").is_file()


def test_the_document_is_the_ledger(capsys):
    document = json.loads(said(capsys, "verify", "toy", "--json").out, parse_constant=pytest.fail)
    file = json.loads(Path("stepscape-ledger/ledger.json").read_text())
    assert {key: document[key] for key in file} == file
    assert document["schema"] == 1
    assert document["command"] == "verify"
    assert len(document["differences"]) == 2


def test_what_is_on_record_is_not_run_again(capsys):
    said(capsys, "verify", "toy")
    assert calls() == RUNS
    before = made().entries[0]
    said(capsys, "verify")
    assert calls() == RUNS  # those of the other experiment
    assert made().entries[0] == before
    assert made().names == ["toy", "other"]


def test_runs_that_two_claims_read_are_made_and_counted_once(capsys, toys):
    same = {**claims.claim().quick, "step_sizes": (0.5, 2.0)}
    register(toys, "toy_two", claims.claim("other", quick=same))
    said(capsys, "verify")
    assert calls() == RUNS
    toy, other = made().entries
    assert (toy.shared, other.shared) == (["other"], ["toy"])
    assert made().seconds == pytest.approx(toy.seconds)
    assert toy.seconds > other.seconds > 0.0
    assert "other read some of them too" in Path("stepscape-ledger/claims/toy.html").read_text()


def test_an_interrupted_ledger_goes_on(capsys, toys):
    def interrupt(_result):
        raise KeyboardInterrupt

    register(toys, "toy_two", claims.claim("other", judge=interrupt))
    err = said(capsys, "verify", status=130).err
    assert "interrupted; the finished runs are kept in 'stepscape-ledger' (12 of 12 runs of other)" in err
    assert "the same command resumes from there" in err
    assert {p.name for p in Path("stepscape-ledger").iterdir()} == {"store"}
    calls()
    register(toys, "toy_two", claims.claim("other"))
    said(capsys, "verify")
    assert calls() == 0


def test_an_interrupt_before_anything_is_recorded_leaves_nothing(capsys, toys):
    def interrupt(_run, _tick):
        raise KeyboardInterrupt

    register(toys, "toy_one", claims.claim(work=interrupt))
    assert (
        said(capsys, "verify", "toy", status=130).err == "stepscape: interrupted; nothing was left behind\n"
    )
    assert list(Path().iterdir()) == []


def test_an_unknown_name_is_refused_with_the_nearest(capsys):
    assert "unknown experiment 'othr'; did you mean 'other'?" in said(capsys, "verify", "othr", status=2).err
    assert calls() == 0
    assert list(Path().iterdir()) == []


@pytest.mark.parametrize(
    ("arguments", "says"),
    [
        (["verify", "--executor", "thread"], "unknown executor 'thread'; did you mean 'threads'?"),
        (["verify", "--workers", "-1"], "--workers must be a whole number, at least 0, got -1"),
        (
            ["run", "toy", "--scheduler", "tcp://x", "--executor", "threads"],
            "--scheduler needs --executor dask, got",
        ),
        (["report", "nowhere"], "'nowhere' holds neither a ledger nor the store of a sweep"),
    ],
)
def test_wrong_options_are_refused(capsys, arguments, says):
    assert says in said(capsys, *arguments, status=2).err
    assert list(Path().iterdir()) == []


def test_serial_and_many_threads_give_the_same_ledger(capsys):
    said(capsys, "verify", "toy", "--executor", "serial", "--out", "a")
    said(capsys, "verify", "toy", "--workers", "3", "--out", "b")
    one, other = (json.loads(Path(name, "ledger.json").read_text())["entries"][0] for name in "ab")
    assert one | {"seconds": 0} == other | {"seconds": 0}


# ---- strict


@pytest.mark.parametrize("arguments", [(), ("toy",), ("toy", "other", "--full")])
def test_strict_passes_when_every_verdict_is_the_committed_one(capsys, toys, arguments):
    said(capsys, "verify", *arguments)
    commit(toys, *made().entries)
    assert "Every verdict agrees with the committed" in said(capsys, "verify", "--strict", *arguments).out


@pytest.mark.parametrize(("was", "now"), [("reproduced", "partly"), ("partly", "reproduced")])
def test_strict_fails_when_a_verdict_changed(capsys, toys, was, now):
    answers = {"reproduced": "yes", "partly": "mixed"}
    claims.ANSWER[0] = answers[was]
    said(capsys, "verify", "toy")
    commit(toys, *made().entries)
    claims.ANSWER[0] = answers[now]
    assert said(capsys, "verify", "toy").err == ""  # not asked to be strict
    printed = said(capsys, "verify", "toy", "--strict", status=1)
    sentence = f"toy, first: committed {was}, found {now}"
    assert printed.err == f"stepscape: 1 verdict differs from the committed quick ledger: {sentence}\n"
    assert sentence in printed.out  # the ledger is printed all the same
    assert made().entries[0].verdicts["first"].word == now


@pytest.mark.parametrize(("was", "now"), [("yes", "undecided"), ("undecided", "mixed"), ("yes", "no")])
@pytest.mark.parametrize("processor", ["another type", None])
def test_strict_on_another_processor_forgives_what_is_undecided_and_nothing_else(
    capsys, toys, was, now, processor
):
    claims.ANSWER[0] = was
    said(capsys, "verify", "toy")
    before = made()
    origin = before.provenance if processor is None else {**before.provenance, "processor": processor}
    commit(toys, *before.entries, provenance=origin)
    claims.ANSWER[0] = now
    forgiven = processor is not None and "undecided" in (was, now)
    printed = said(capsys, "verify", "toy", "--strict", status=int(not forgiven))
    assert "1 verdict differs from the committed quick ledger" in printed.out  # said in any case


def test_strict_fails_for_a_part_that_was_not_committed_and_for_one_that_is_gone(capsys, toys):
    err = said(capsys, "verify", "toy", "--strict", status=1).err
    assert "2 verdicts differ" in err
    assert "toy, first: committed no verdict, found reproduced" in err
    commit(toys, *made().entries)
    toys.setattr(claims, "CLAIM", None)
    fewer = {**claims.claim().quick, "arms": ("first",)}
    register(toys, "toy_one", claims.claim(quick=fewer))
    err = said(capsys, "verify", "toy", "--strict", status=1).err
    assert "toy, second: committed consistent, found no verdict" in err


def test_strict_without_names_misses_an_experiment_that_is_gone(capsys, toys):
    said(capsys, "verify")
    commit(toys, *made().entries)
    toys.setattr(experiments, "_MODULES", {"toy": "toy_one"})
    said(capsys, "verify", "toy", "--strict", "--out", "new")
    err = said(capsys, "verify", "--strict", "--out", "new", status=1).err
    assert "other, first: committed reproduced, found no verdict" in err


# ---- directories


def test_a_ledger_is_not_replaced_by_less_or_by_another_size(capsys):
    said(capsys, "verify")
    err = said(capsys, "verify", "toy", status=2).err
    assert "'stepscape-ledger' holds a ledger that has other too; name another or add --force" in err
    assert "holds the quick ledger" in said(capsys, "verify", "--full", status=2).err
    assert made().names == ["toy", "other"]
    said(capsys, "verify", "toy", "--full", "--force")
    assert made().size == "full"
    said(capsys, "verify", "--force")
    assert (
        calls() == 2 * RUNS + 9 * RUNS
    )  # the full size adds 18 seeds of one claim, and reuses the other two


@pytest.mark.parametrize("command", ["verify", "run"])
def test_something_else_in_the_directory_is_refused_without_force(capsys, command):
    Path("mine").mkdir()
    Path("mine/notes.txt").write_text("precious")
    err = said(capsys, command, "toy", "--out", "mine", status=2).err
    assert "output directory 'mine' is not empty; name another or add --force" in err
    assert calls() == 0
    said(capsys, command, "toy", "--out", "mine", "--force")
    assert Path("mine/notes.txt").read_text() == "precious"


def test_a_damaged_ledger_is_refused(capsys):
    said(capsys, "verify", "toy")
    Path("stepscape-ledger/ledger.json").write_text("{")
    for command in (["verify", "toy"], ["report", "stepscape-ledger"]):
        assert "ledger.json' is not a ledger" in said(capsys, *command, status=2).err


# ---- failed runs


@pytest.fixture
def failing(toys):
    """The toy with a step size that its work refuses."""
    quick = {**claims.claim().quick, "step_sizes": (0.5, claims.REFUSED)}
    register(toys, "toy_one", claims.claim(quick=quick))
    return toys


@pytest.mark.parametrize("command", ["verify", "run"])
@pytest.mark.usefixtures("failing")
def test_failed_runs_are_told_and_in_no_verdict(capsys, command):
    printed = said(capsys, command, "toy", "--out", "out")
    sentence = "4 runs of toy failed and are part of no verdict: ValueError: this step size cannot be done"
    assert f"stepscape: warning: {sentence}; --retry-failed tries again\n" == printed.err
    assert ("8 runs (4 finished, 4 failed)" if command == "run" else "8, 4 failed") in printed.out
    html = Path("out/report.html" if command == "run" else "out/claims/toy.html").read_text()
    assert "4 runs failed: ValueError: this step size cannot be done." in html
    if command == "run":
        assert len(json.loads(Path("out/result.json").read_text())["table"]) == 4
    assert calls() == 8
    said(capsys, command, "toy", "--out", "out")
    assert calls() == 0
    said(capsys, command, "toy", "--out", "out", "--retry-failed")
    assert calls() == 4


def test_failures_can_be_mended(capsys, failing):
    said(capsys, "run", "toy", "--out", "out")
    failing.setattr(claims, "REFUSED", -1.0)
    printed = said(capsys, "run", "toy", "--out", "out", "--retry-failed")
    assert printed.err == ""
    assert "8 runs (8 finished)" in printed.out


@pytest.mark.parametrize("command", ["verify", "run"])
def test_nothing_but_failures_is_an_error(capsys, toys, command):
    quick = {**claims.claim().quick, "step_sizes": (claims.REFUSED,)}
    register(toys, "toy_one", claims.claim(quick=quick))
    err = said(capsys, command, "toy", status=1).err
    assert err == "stepscape: all 4 runs of toy failed: ValueError: this step size cannot be done\n"
