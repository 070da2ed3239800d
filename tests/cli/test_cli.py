"""The command line: what it answers, what it refuses and how, what it leaves behind."""

from __future__ import annotations

import csv
import gzip
import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import pytest

import stepscape
from stepscape import files
from stepscape.cli import console, main
from stepscape.errors import OutputError

TINY = [
    word
    for pair in (
        "steps=60",
        "width=12",
        "seeds=1",
        "clean_seeds=0",
        "records=3",
        "step_sizes=0.1,0.2",
        "arms=warm_up",
    )
    for word in ("--set", pair)
]
COMMANDS = ("demo", "list", "run", "verify", "report", "fit")
LEAVE = "import sys; from stepscape.cli import main; sys.exit(main())"


@pytest.fixture(autouse=True)
def here(tmp_path, monkeypatch):
    """An empty working directory, so that default output directories land in it."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("STEPSCAPE_CACHE", str(tmp_path.parent / f"{tmp_path.name}-cache"))
    return tmp_path


@pytest.fixture
def table(here):
    """A clean table of 40 rows."""
    rng = np.random.default_rng(0)
    x = np.sort(rng.uniform(0.0, 10.0, 40))
    y = np.abs(x - 5.0) + 0.1 * rng.normal(size=40)
    lines = [f"{a!r},{b!r}" for a, b in zip(x.tolist(), y.tolist(), strict=True)]
    path = here / "data.csv"
    path.write_text("depth,speed\n" + "\n".join(lines) + "\n")
    return path


def read_csv(path):
    with open(path, newline="") as file:
        return list(csv.reader(file))


def listing(directory):
    return sorted(str(path.relative_to(directory)) for path in directory.rglob("*") if path.is_file())


def refused(capsys, arguments, status=2):
    """The sentence with which a command is refused: alone, short, without traceback or box."""
    before = listing(Path.cwd())
    assert main(arguments) == status
    printed = capsys.readouterr()
    assert printed.out == ""
    assert printed.err.startswith("stepscape: ")
    assert printed.err.count("\n") == 1
    assert len(printed.err) <= 3 * 250
    for sign in ("Traceback", "╭", "│", "Usage:", "Error"):
        assert sign not in printed.err
    assert listing(Path.cwd()) == before
    return printed.err


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


# ---- fit: wrong input


def numbers(rows=20):
    return "".join(f"{i},{i * i % 7}\n" for i in range(rows))


WRONG_TABLES = {
    "0 bytes": (b"", "'t.csv' is empty (0 bytes)"),
    "blank": (b" \n\n  \n", "blank"),
    "header only": (b"x,y\n", "t.csv"),
    "column of another case": (b"X,y\n" + numbers().encode(), "unknown column 'x'; did you mean 'X'?"),
    "missing column": (b"xx,y\n" + numbers().encode(), "unknown column 'x'; did you mean 'xx'?"),
    "duplicate names": (b"x,x,y\n" + b"1,2,3\n" * 20, "column 'x' must have a name of its own"),
    "one row": (b"x,y\n1,2\n", "got 1 of 1"),
    "nine rows": (b"x,y\n" + numbers(9).encode(), "got 9 of 9"),
    "all-equal x": (b"x,y\n" + b"3,1\n3,2\n" * 10, "at least two distinct inputs, got 3.0"),
    "infinities": (b"x,y\n" + b"inf,1\n2,-inf\n" * 10, "infinite (first: 'inf'"),
    "text in numbers": (b"x,y\n" + b"one,1\n" * 20, "not a number (first: 'one'"),
    "NaN labels": (b"x,y\n" + b"1,nan\n2,NaN\n" * 10, "10 × missing value 'nan', 10 × missing value 'NaN'"),
    "binary junk": (bytes(range(256)) * 4, "looks like binary data"),
    "PNG": (b"\x89PNG\r\n\x1a\n" + bytes(50), "a PNG image"),
    "damaged gzip": (gzip.compress(b"x,y\n" + numbers().encode(), mtime=0)[:-9], "truncated or damaged"),
    "HTML": (b"<!doctype html><html></html>", "HTML"),
}


@pytest.mark.parametrize("case", WRONG_TABLES)
def test_a_wrong_table_is_refused(capsys, case):
    content, says = WRONG_TABLES[case]
    Path("t.csv").write_bytes(content)
    assert says in refused(capsys, ["fit", "t.csv", "--x", "x", "--y", "y", "--out", "out"])
    assert not Path("out").exists()


@pytest.mark.usefixtures("table")
def test_a_wrong_table_to_predict_is_refused_before_the_fit(capsys):
    Path("new.csv").write_text("deph\n1\n2\n")
    sentence = refused(capsys, ["fit", "data.csv", "--x", "depth", "--y", "speed", "--predict", "new.csv"])
    assert "unknown column 'depth'; did you mean 'deph'?" in sentence
    assert "(of 'new.csv')" in sentence


@pytest.mark.usefixtures("table")
@pytest.mark.parametrize(
    ("arguments", "says"),
    [
        (["--step-size", "-1"], "step_size must be finite and positive, got -1"),
        (["--step-size", "0"], "step_size must be finite and positive, got 0"),
        (["--step-size", "nan"], "step_size must be finite and positive, got nan"),
        (["--step-size", "inf"], "step_size must be finite and positive, got inf"),
        (["--step-size", "big"], "step_size must be finite and positive, got 'big'"),
        (["--step-size", "2.5"], "step_size must lie in (0, 2)"),
        (["--rule", "max"], "unknown rule 'max'; "),
        (["--loss", "hinge"], "unknown loss 'hinge'; "),
        (["--seed", "-1"], "seed must be a whole number, at least 0, got -1"),
        (["--seed", "x"], "seed must be a whole number, at least 0, got 'x'"),
        (["--predict", "nowhere.csv"], "cannot read 'nowhere.csv': there is no such file"),
        (["--x", "speed"], "x and y must be two columns, got 'speed' for both"),
        (["--out", "data.csv"], "'data.csv'"),
        (["--out", "data.csv/below"], "'data.csv/below'"),
        (["--out", "full"], "output directory 'full' is not empty; name another or add --force"),
        (["--out", "a\0b"], "cannot use"),
    ],
)
def test_a_wrong_option_of_fit_is_refused(capsys, arguments, says):
    Path("full").mkdir()
    Path("full/mine.txt").write_text("precious")
    assert says in refused(capsys, ["fit", "data.csv", "--x", "depth", "--y", "speed", *arguments])


@pytest.mark.usefixtures("table")
def test_a_directory_or_a_missing_file_is_refused(capsys):
    Path("folder").mkdir()
    assert "cannot read 'folder': is a directory" in refused(
        capsys, ["fit", "folder", "--x", "a", "--y", "b"]
    )
    sentence = refused(capsys, ["fit", "dat.csv", "--x", "a", "--y", "b"])
    assert "cannot read 'dat.csv': there is no such file; did you mean 'data.csv'?" in sentence


@pytest.mark.skipif(not Path("/proc/version").exists(), reason="needs a directory nobody can write to")
@pytest.mark.parametrize("command", [["run", "curve-fitting", *TINY], ["demo"]])
def test_an_unwritable_output_directory_is_refused(capsys, command):
    assert "'/proc/stepscape'" in refused(capsys, [*command, "--out", "/proc/stepscape"])


# ---- fit: what it writes


@pytest.fixture
def fitted(table, capsys):
    """What a fit with a given step size prints."""
    assert table.exists()
    status = main(["fit", "data.csv", "--x", "depth", "--y", "speed", "--step-size", "0.3", "--out", "out"])
    assert status == 0
    return capsys.readouterr()


def test_fit_writes_its_directory_and_says_what_it_did(table, fitted):
    assert listing(Path("out")) == [
        "figures/fit.png",
        "figures/fit.svg",
        "figures/residuals.png",
        "figures/residuals.svg",
        "predictions.csv",
        "report.html",
        "result.json",
    ]
    for said in ("40 of 40 rows used", "step size", "0.3", "edge ratio", "stopping rule", "gauss_newton"):
        assert said in fitted.out
    rows, given = read_csv("out/predictions.csv")[1:], read_csv(table)[1:]
    assert [float(x) for x, _ in rows] == [float(x) for x, _ in given]
    errors = [float(a[1]) - float(b[1]) for a, b in zip(rows, given, strict=True)]
    assert np.sqrt(np.mean(np.square(errors))) < 0.5  # labels range over 5
    document = json.loads(Path("out/result.json").read_text())
    assert document["schema"] == 1
    assert document["fit"]["rmse"] == pytest.approx(np.sqrt(np.mean(np.square(errors))))
    assert document["fit"]["path"] is None


@pytest.mark.usefixtures("table")
def test_predictions_keep_the_order_and_the_rows_of_the_table_predicted(capsys):
    Path("new.csv").write_text("id,depth\na,9\nb,n/a\nc,1.5\nd,\ne,3,extra\nf,20\n")
    arguments = ["fit", "data.csv", "--x", "depth", "--y", "speed", "--step-size", "0.3", "--out", "out"]
    assert main([*arguments, "--predict", "new.csv", "--json"]) == 0
    printed = capsys.readouterr()
    rows = read_csv("out/predictions.csv")
    assert rows[0] == ["depth", "prediction"]
    assert [row[0] for row in rows[1:]] == ["9.0", "", "1.5", "", "", "20.0"]
    assert [bool(row[1]) for row in rows[1:]] == [True, False, True, False, False, True]
    document = json.loads(printed.out)
    assert document["predictions"] == {
        "file": "predictions.csv",
        "table": "new.csv",
        "rows": 6,
        "predicted": 3,
        "outside": 1,
    }
    assert "1 of 3 predictions lie outside the data" in printed.err


def test_dropped_rows_are_counted_and_explained(table, capsys):
    with table.open("a") as file:
        file.write("oops,1\n,2\ninf,3\n")
    arguments = ["fit", "data.csv", "--x", "depth", "--y", "speed", "--step-size", "0.3", "--out", "out"]
    assert main(arguments) == 0
    out = capsys.readouterr().out
    assert "40 of 43 rows used" in out
    assert "dropped 1: not a number (first: 'oops' in column 'depth', line 42)" in out
    assert "dropped 1: missing value" in out
    assert "dropped 1: infinite" in out


def test_hostile_column_names_reach_every_file_harmless():
    x, y = "<script>alert(1)</script>", "$\\frac{$ & `y` =cmd"
    with Path("t.csv").open("w", newline="") as file:
        writer = csv.writer(file)
        writer.writerow([x, y])
        writer.writerows([i, i % 5] for i in range(30))
    assert main(["fit", "t.csv", "--x", x, "--y", y, "--step-size", "0.5", "--out", "out"]) == 0
    html = Path("out/report.html").read_text(encoding="utf-8")
    assert "<script" not in html
    assert "&lt;script&gt;alert(1)&lt;/script&gt;" in html
    assert "<script" not in Path("out/figures/fit.svg").read_text(encoding="utf-8")
    assert read_csv("out/predictions.csv")[0] == [x, "prediction"]
    assert json.loads(Path("out/result.json").read_text(encoding="utf-8"))["data"]["y"] == y


@pytest.mark.usefixtures("table")
def test_force_replaces_what_it_writes_and_leaves_the_rest():
    Path("out").mkdir()
    Path("out/mine.txt").write_text("precious")
    Path("out/result.json").write_text("old")
    arguments = ["fit", "data.csv", "--x", "depth", "--y", "speed", "--step-size", "0.3", "--out", "out"]
    assert main([*arguments, "--force"]) == 0
    assert Path("out/mine.txt").read_text() == "precious"
    assert json.loads(Path("out/result.json").read_text())["command"] == "fit"
    assert not [name for name in os.listdir("out") if name.startswith(".")]


# ---- run, list, demo


def test_run_writes_its_directory(capsys):
    assert main(["run", "curve-fitting", *TINY]) == 0
    out = capsys.readouterr().out
    assert "warm up: " in out
    written = listing(Path("stepscape-curve-fitting"))
    assert {"result.json", "table.csv", "report.html"} < set(written)
    assert any(name.startswith("figures/") and name.endswith(".svg") for name in written)
    document = json.loads(Path("stepscape-curve-fitting/result.json").read_text())
    rows = read_csv("stepscape-curve-fitting/table.csv")
    assert rows[0] == list(document["table"][0])
    assert len(rows) - 1 == len(document["table"]) == 2
    assert document["settings"]["steps"] == 60
    assert set(document["verdicts"]["warm_up"]) == {"word", "sentence", "numbers"}
    html = Path("stepscape-curve-fitting/report.html").read_text(encoding="utf-8")
    assert document["verdicts"]["warm_up"]["sentence"][1:] in html.replace("&#39;", "'")


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

    real = experiments.resolve_settings
    tiny = dict(pair.split("=") for pair in TINY[1::2])

    def small(experiment, _overrides, full=False):
        known = {key: value for key, value in tiny.items() if key in experiment.quick}
        return real(experiment, known, full)

    monkeypatch.setattr(experiments, "resolve_settings", small)
    monkeypatch.setattr(demo, "_FIT_SETTINGS", {"steps": 200, "step_sizes": [0.3, 0.6], "n_splits": 2})
    assert main(["demo"]) == 0
    printed = capsys.readouterr()
    assert "Certificates of one trained network:" in printed.out
    assert listing(Path("stepscape-demo")) == ["report.html", "result.json"]
    html = Path("stepscape-demo/report.html").read_text(encoding="utf-8")
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

    monkeypatch.setattr(output, "_publish", fail)
    assert main(["run", "curve-fitting", *TINY]) == 1
    said = capsys.readouterr().err
    assert said == "stepscape: cannot write to 'stepscape-curve-fitting': no space left on device\n"
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

    monkeypatch.setattr(experiments, "resolve_settings", fail)
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
    assert done.stderr == b"stepscape: could not read or write: No space left on device\n"


# ---- Ctrl-C


def test_an_interrupt_is_130_and_leaves_the_records_alone(capsys, monkeypatch):
    from stepscape.cli import artifacts

    def interrupt(*_):
        raise KeyboardInterrupt

    monkeypatch.setattr(artifacts, "write_result", interrupt)
    assert main(["run", "curve-fitting", *TINY]) == 130
    said = capsys.readouterr().err
    assert said.startswith("stepscape: interrupted; the finished runs are kept in 'stepscape-curve-fitting'")
    assert os.listdir("stepscape-curve-fitting") == ["store"]


@pytest.mark.skipif(os.name != "posix", reason="sends SIGINT")
@pytest.mark.parametrize("begun", ["imported", "writing"])
def test_ctrl_c_ends_a_long_run_at_once(begun):
    long = ["run", "curve-fitting", "--set", "steps=2000000000", "--set", "records=1", "--out", "deep/out"]
    process = subprocess.Popen([sys.executable, "-c", LEAVE, *long], stderr=subprocess.PIPE, text=True)
    deadline = time.monotonic() + 60
    while not Path("deep/out").exists() and time.monotonic() < deadline:
        time.sleep(0.01)
    time.sleep(0.0 if begun == "imported" else 2.0)
    process.send_signal(signal.SIGINT)
    # It leaves within 0.4 s or is made to; the rest is for a machine that is busy with other things.
    _, said = process.communicate(timeout=60)
    assert process.returncode == 130
    assert said == "stepscape: interrupted; nothing was left behind\n"
    assert os.listdir() == []


@pytest.mark.skipif(os.name != "posix", reason="sends SIGINT")
def test_ctrl_c_ends_code_that_does_not_listen():
    # Python's handler cannot run while the main thread sits in a C call that starts over when interrupted.
    script = """
import ctypes, signal, sys
from stepscape.cli import app, main
from stepscape.cli.output import output_directory

def deaf(unfinished):
    with output_directory("out", False, unfinished):
        signal.siginterrupt(signal.SIGINT, False)
        print("ready", flush=True)
        reader, _ = __import__("os").pipe()
        ctypes.CDLL(None).read(reader, ctypes.create_string_buffer(1), 1)

app.parse = lambda words: deaf
sys.exit(main())
"""
    process = subprocess.Popen(
        [sys.executable, "-c", script], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    )
    assert process.stdout.readline() == "ready\n"
    assert os.listdir("out") != []
    process.send_signal(signal.SIGINT)
    _, said = process.communicate(timeout=60)
    assert process.returncode == 130
    assert said == "stepscape: interrupted; nothing was left behind\n"
    assert os.listdir() == []


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
