"""The command line as a whole: help, refusals, JSON, what cannot be helped; run, list and demo."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

import stepscape
from commands import LEAVE, TINY, listing, read_csv, refused
from stepscape import files
from stepscape.cli import console, main
from stepscape.errors import OutputError

COMMANDS = ("demo", "list", "run", "verify", "report", "fit")


# ---- the parser


def test_help_and_version(capsys):
    assert main(["--version"]) == 0
    assert capsys.readouterr().out == f"stepscape {stepscape.__version__}\n"
    for arguments in ([], ["--help"]):
        assert main(arguments) == 0
        out = capsys.readouterr().out
        assert all(name in out for name in COMMANDS)
        assert "╭" not in out
    for command in COMMANDS:
        assert main([command, "--help"]) == 0
        assert "--json" in capsys.readouterr().out


@pytest.mark.parametrize(
    ("arguments", "says"),
    [
        (["rn"], "unknown command 'rn'; did you mean 'run'?"),
        (["run"], "the command needs NAME"),
        (["run", "curve-fiting"], "unknown experiment 'curve-fiting'; did you mean 'curve-fitting'?"),
        (["run", "curve-fitting", "more"], "got 'more'"),
        (["run", "curve-fitting", "--ful"], "unknown option '--ful'; did you mean '--full'?"),
        (["run", "curve-fitting", "--set"], "'--set' requires an argument"),
        (["run", "curve-fitting", "--set", "seeds"], "--set must be of the form key=value, got 'seeds'"),
        (["run", "curve-fitting", "--set", "=3"], "--set must be of the form key=value, got '=3'"),
        (["run", "curve-fitting", "--set", "stps=3"], "did you mean 'steps'? known: truth, n, noise"),
        (["run", "curve-fitting", "--set", "steps=many"], "steps must be a whole number, got 'many'"),
        (["run", "curve-fitting", "--set", "steps=inf"], "steps must be"),
        (["run", "curve-fitting", "--set", "steps=0"], "steps must be at least 1, got 0"),
        (["run", "curve-fitting", "--set", "width=0"], "width must be at least 1, got 0"),
        (["run", "curve-fitting", "--set", "truth=foo"], "'foo'"),
        (["run", "curve-fitting", "--set", "arms=foo"], "'foo'"),
        (["run", "curve-fitting", "--set", "step_sizes=0.1,-1"], "got -1"),
        (["run", "curve-fitting", "--set", "step_sizes="], "step_sizes must list at least one value"),
        (["fit", "data.csv"], "the command needs --x"),
        (["fit", "data.csv", "--x", "a"], "the command needs --y"),
        (["list", "--jsn"], "did you mean '--json'?"),
        (["fit", "data.csv", "--bogus"], "unknown option '--bogus'; known: --x, --y, --out"),
    ],
)
def test_a_wrong_command_line_is_refused_in_one_sentence(capsys, arguments, says):
    assert says in refused(capsys, arguments)


@pytest.mark.skipif(not Path("/proc/version").exists(), reason="needs a directory nobody can write to")
@pytest.mark.parametrize("command", [["run", "curve-fitting", *TINY], ["demo"]])
def test_an_unwritable_output_directory_is_refused(capsys, command):
    assert "'/proc/stepscape'" in refused(capsys, [*command, "--out", "/proc/stepscape"])


# ---- run, list, demo


def test_run_writes_its_directory(capsys):
    assert main(["run", "curve-fitting", *TINY]) == 0
    out = capsys.readouterr().out
    assert "(decides): " in out
    written = listing(Path("stepscape-curve-fitting"))
    assert {"result.json", "table.csv", "report.html"} < set(written)
    assert any(name.startswith("figures/") and name.endswith(".svg") for name in written)
    document = json.loads(Path("stepscape-curve-fitting/result.json").read_text())
    rows = read_csv("stepscape-curve-fitting/table.csv")
    assert rows[0] == list(document["table"][0])
    assert len(rows) - 1 == len(document["table"]) == 2
    assert document["settings"]["steps"] == 60
    primary = [each for each in document["verdicts"].values() if each["primary"]]
    assert len(primary) == 1
    assert {"word", "sentence", "numbers", "words", "rule", "fingerprint", "effect", "rows"} < set(primary[0])
    html = Path("stepscape-curve-fitting/report.html").read_text(encoding="utf-8")
    assert primary[0]["sentence"][1:] in html.replace("&#39;", "'")


@pytest.mark.parametrize("command", [["list"], ["run", "curve-fitting", *TINY]])
def test_json_is_one_document_alone_on_stdout(capsys, command):
    assert main([*command, "--json"]) == 0
    printed = capsys.readouterr()
    document = json.loads(printed.out, parse_constant=pytest.fail)  # no NaN, no Infinity
    assert document["schema"] == 1
    assert document["command"] == command[0]
    assert printed.out.isascii()


def test_list_names_every_experiment(capsys):
    from stepscape import experiments

    assert main(["list"]) == 0
    out = capsys.readouterr().out
    assert all(name in out for name in experiments.names())


def test_demo_writes_one_report(capsys, monkeypatch):
    from stepscape import experiments
    from stepscape.cli import demo

    real = experiments.get
    tiny = dict(pair.split("=") for pair in TINY[1::2])

    def small(name):
        claim = real(name)
        known = {key: value for key, value in tiny.items() if key in claim.quick}
        return replace(claim, quick=claim.settings(known))

    monkeypatch.setattr(experiments, "get", small)
    monkeypatch.setattr(demo, "_FIT_SETTINGS", {"steps": 200, "step_sizes": [0.3, 0.6], "n_splits": 2})
    assert main(["demo"]) == 0
    printed = capsys.readouterr()
    assert "Certificates of one trained network:" in printed.out
    assert listing(Path("stepscape-demo")) == ["explorer.html", "report.html", "result.json"]
    assert '"stepSize":0.4' in Path("stepscape-demo/explorer.html").read_text(encoding="utf-8")
    html = Path("stepscape-demo/report.html").read_text(encoding="utf-8")
    assert 'href="explorer.html"' in html
    told = html.partition("<main")[2].lower()
    for word, meaning in (
        ("arm", "arms, that is"),
        ("premise not met", "premise not met</code> means"),
        ("equal time", "equal time</code> means"),
    ):
        assert told.index(word) == told.index(meaning), f"{word} is explained where it comes first"
    assert len(html) < 5_000_000
    assert html.count("<svg") >= 6
    for said in ("gauss_newton", "accel", "stepscape fit data.csv", "Head acceleration"):
        assert said in html
    document = json.loads(Path("stepscape-demo/result.json").read_text())
    assert set(document["runs"]) == {"curve-fitting", "sharpness-vs-step-size"}
    assert document["network"]["certificates"]["gauss_newton"]["verdict"] == "holds"


# ---- what cannot be helped


def test_a_failure_to_write_is_status_1_and_leaves_nothing(capsys, monkeypatch):
    def fail(path, *_content, **_options):
        raise OutputError(f"cannot write {str(path)!r}: no space left on device")

    monkeypatch.setattr(files, "write_atomic", fail)
    assert "no space left on device" in refused(capsys, ["run", "curve-fitting", *TINY], status=1)
    assert os.listdir() == []


def test_a_failure_to_publish_is_status_1_and_leaves_the_records_alone(capsys, monkeypatch):
    from stepscape.cli import output

    def fail(*_):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(output, "publish", fail)
    assert main(["run", "curve-fitting", *TINY]) == 1
    said = capsys.readouterr().err
    assert said.endswith("stepscape: cannot write to 'stepscape-curve-fitting': no space left on device\n")
    assert os.listdir("stepscape-curve-fitting") == ["store"]


@pytest.mark.parametrize(
    ("error", "says"),
    [
        (MemoryError(), "not enough memory"),
        (OSError(5, "Input/output error"), "could not read or write: Input/output error"),
        (
            ZeroDivisionError("by zero"),
            "unexpected ZeroDivisionError: by zero; this is a",
        ),
        (ValueError(), "unexpected ValueError; this is a defect"),
    ],
)
def test_the_unexpected_is_one_sentence_and_status_1(capsys, monkeypatch, error, says):
    from stepscape import experiments

    def fail(*_):
        raise error

    monkeypatch.setattr(experiments, "get", fail)
    assert main(["run", "curve-fitting"]) == 1
    assert says in capsys.readouterr().err
    assert main(["run", "curve-fitting", "--debug"]) == 1
    assert "Traceback" in capsys.readouterr().err


def test_a_closed_pipe_is_no_reason_to_complain():
    environment = os.environ | {"PYTHONPATH": str(Path(stepscape.__file__).parents[1])}
    reader, writer = os.pipe()
    os.close(reader)
    done = subprocess.run(
        [sys.executable, "-c", LEAVE, "list"], stdout=writer, stderr=subprocess.PIPE, env=environment
    )
    os.close(writer)
    assert (done.returncode, done.stderr) == (1, b"")


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="needs /dev/full")
def test_a_full_disk_under_stdout_is_status_1():
    with open("/dev/full", "w") as full:
        done = subprocess.run([sys.executable, "-c", LEAVE, "list"], stdout=full, stderr=subprocess.PIPE)
    assert done.returncode == 1
    assert done.stderr == b"stepscape: cannot write to standard output: no space left on device\n"


# ---- small parts


def test_what_is_not_measured_is_null():
    document = {"a": np.float64("nan"), "b": np.array([1.0, np.inf]), "c": (1, "x\udcff"), 3: True, "d": None}
    read = json.loads(console.to_json(document))
    assert read == {"schema": 1, "a": None, "b": [1.0, None], "c": [1, "x?"], "3": True, "d": None}


def test_help_imports_nothing_heavy():
    script = (
        "import sys; from stepscape.cli import main; main(['--help']); main(['run']); "
        "heavy = ('numba', 'scipy', 'sklearn', 'matplotlib', 'torch', 'numpy'); "
        "print([name for name in heavy if name in sys.modules])"
    )
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True)
    assert done.stdout.splitlines()[-1] == "[]"


def test_progress_is_silent_where_nobody_watches(capsys):
    with console.progress("title") as progress:
        progress(0.5, "half")
    assert capsys.readouterr() == ("", "")


def test_progress_shows_on_a_terminal(capsys, monkeypatch):
    monkeypatch.setattr(sys.stderr, "isatty", lambda: True, raising=False)
    monkeypatch.setenv("TERM", "xterm")
    with console.progress("title") as progress:
        progress(0.5, "half [of] it")
    printed = capsys.readouterr()
    assert printed.out == ""
