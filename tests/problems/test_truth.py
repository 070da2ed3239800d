"""A truth of one's own: whatever a function does, values are right or one sentence says what is wrong."""

from __future__ import annotations

import math
import sys
from dataclasses import replace
from itertools import count

import numpy as np
import pytest

import stepscape as ss
from stepscape import experiments
from stepscape.cli import main
from stepscape.errors import InputError
from stepscape.lab import Store, executor, identity, sweep
from stepscape.problems.truth import Truth, name_of, own_truth, sealed
from stepscape.sweeps.file import read_sweep
from stepscape.sweeps.runs import Bernoulli, Curve, Measure, Method, Network, Run

NAMES = (f"own_truths_{i}" for i in count())


@pytest.fixture
def module(tmp_path, monkeypatch):
    """Write a module of functions into the current directory; returns its name."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(sys, "path", list(sys.path))

    def write(code, name=None):
        name = name or next(NAMES)
        (tmp_path / f"{name}.py").write_text(f"import math\nimport numpy as np\n{code}\n")
        sys.modules.pop(name, None)
        return name

    return write


def hinge(x):
    return max(x, 0.25)  # for one number


@pytest.mark.parametrize(
    ("function", "expected"),
    [
        (np.sin, np.sin),
        (lambda x: np.sin(x), np.sin),
        (math.sin, np.sin),
        (hinge, lambda x: np.maximum(x, 0.25)),
        (lambda x: 1 if x > 0 else -1, lambda x: np.where(x > 0, 1.0, -1.0)),
        (lambda _: 2, lambda x: np.full(x.shape, 2.0)),
        (lambda x: [x**2], lambda x: x**2),
        (lambda x: x.tolist(), lambda x: x),
        (lambda x: x > 0, lambda x: np.where(x > 0, 1.0, 0.0)),
    ],
)
def test_a_function_of_one_number_and_one_of_arrays_give_the_same(function, expected):
    problem = ss.problems.curve(function, n=20, noise=0.0, low=-1.0, high=3.0)
    assert np.array_equal(problem.labels, np.array([float(y) for y in expected(problem.inputs)]))
    assert problem.design_error(problem.labels) == 0.0
    assert np.array_equal(Truth.of(function)(np.array([0.5])), expected(np.array([0.5])))


def test_inputs_fill_the_interval_and_curves_are_stretched_over_it():
    problem = ss.problems.curve(np.log, n=40, noise=0.0, low=0.5, high=6.0)
    assert 0.5 <= problem.inputs.min() < 0.7
    assert 5.8 < problem.inputs.max() <= 6.0
    tent = ss.problems.curve("tent", n=40, noise=0.0, low=2.0, high=4.0)
    same = ss.problems.tent(n=40, noise=0.0)
    assert np.allclose(tent.inputs, same.inputs + 3.0, rtol=1e-15)
    assert np.allclose(tent.labels, same.labels, atol=1e-14)
    assert repr(problem).startswith("Problem(log: n=40")


def test_two_classes_around_a_function_of_ones_own():
    problem = ss.problems.bernoulli(hinge, n=10, amplitude=3.0)
    assert set(problem.labels) <= {-1.0, 1.0}
    assert np.array_equal(problem.truth(problem.inputs), 3.0 * np.maximum(problem.inputs, 0.25))


def test_rows_of_several_variables_are_one_input_each():
    points = np.arange(6.0).reshape(3, 2)
    for truth in (lambda x: x.sum(axis=-1), lambda row: float(row[0] + row[1])):
        problem = ss.Problem(points, np.zeros(3), truth=truth)
        assert problem.truth(points).tolist() == [1.0, 5.0, 9.0]


def ends(_):
    raise SystemExit(0)


def raises(_):
    raise KeyError("no such thing")


@pytest.mark.parametrize(
    ("function", "says"),
    [
        (3, "truth must be a function of the inputs, got 3"),
        (float, "truth must be a function of the inputs, got the class float"),
        (raises, r"truth must be a function of the inputs, got KeyError \('no such thing'\) at -"),
        (ends, r"truth must be a function of the inputs, got SystemExit \(0\) at -"),
        (lambda: 0, r"truth must be a function of the inputs, got TypeError \(.* at -"),
        (np.log, "truth must be finite at the inputs, got nan at -"),
        (lambda x: 1 / x * 0 + np.inf, "truth must be finite at the inputs, got inf at -"),
        (lambda x: 1j * x, r"truth must return one real number per input, got .*j\) at -"),
        (lambda _: "a", "truth must return one real number per input, got 'a' at -"),
        (lambda _: None, "truth must return one real number per input, got None at -"),
        (lambda _: np.ones(3), r"truth must return one real number per input, got an array of shape \(3,\)"),
    ],
)
def test_what_is_no_truth_is_said_in_one_sentence(function, says):
    x = np.linspace(-1.0, 1.0, 4)
    with pytest.raises(InputError, match=says):
        ss.Problem(x, x, truth=function)


@pytest.mark.parametrize(
    ("name", "says"),
    [
        (
            "sin",
            r"unknown curve 'sin'; known: tent, wave, steps, doppler, line, zero; a truth of your own is",
        ),
        ("tend", "unknown curve 'tend'; did you mean 'tent'"),
        ("{m}:", "truth must be a name module:function, such as numpy:sin, got"),
        ("a b:c", "truth must be a name module:function"),
        ("nowhere_at_all:f", "truth needs the module nowhere_at_all, which is neither in the directory"),
        ("{m}:bmup", "the module {m} has no bmup; did you mean {m}:bump"),
        ("{m}:NUMBER", "truth {m}:NUMBER must be a function of the inputs, got 3"),
        (
            "{m}:bump#000000000000",
            "must have the values that it was sealed with as 000000000000, got others; gi",
        ),
    ],
)
def test_a_name_that_is_no_truth_is_refused(module, name, says):
    m = module("def bump(x): return math.exp(-x * x)\nNUMBER = 3")
    with pytest.raises(InputError, match=says.format(m=m)):
        ss.problems.curve(name.format(m=m))


@pytest.mark.parametrize(
    ("code", "says"),
    [
        ("raise OSError('disk')", r"cannot be imported: it raises OSError \(disk\)"),
        ("raise SystemExit", "cannot be imported: it raises SystemExit"),
        ("def f(x): return (", "cannot be imported: it raises SyntaxError"),
        ("import nowhere_at_all", "cannot be imported: No module named 'nowhere_at_all'"),
    ],
)
def test_a_module_that_cannot_be_imported_is_named(module, code, says):
    with pytest.raises(InputError, match=f"truth needs the module own_truths_.*, which {says}"):
        own_truth(f"{module(code)}:f", -1.0, 1.0)


def test_the_seal_is_that_of_the_values_on_the_interval(module):
    code = "def f(x): return {}"
    name = f"{module(code.format('abs(x)'))}:f"
    seal = sealed(name, -1.0, 1.0)
    assert seal.startswith(f"{name}#")
    assert sealed(seal, -1.0, 1.0) == seal
    assert own_truth(seal, -1.0, 1.0)(np.array([-2.0])) == 2.0
    home = name.removesuffix(":f")
    for same in ("max(x, -x)", "math.sqrt(x * x)", "abs(x) + 1e-14", "abs(x) if abs(x) <= 1 else 7"):
        module(code.format(same), home)
        assert sealed(name, -1.0, 1.0) == seal, same
    for other in ("abs(x) + 1e-6", "2 * abs(x)", "x * x"):
        module(code.format(other), home)
        assert sealed(name, -1.0, 1.0) != seal, other
        with pytest.raises(
            InputError, match=f"must have the values that it was sealed with as .* give {name}"
        ):
            own_truth(seal, -1.0, 1.0)


def test_a_function_has_a_name_if_it_can_be_found_again():
    assert name_of(hinge) == f"{__name__}:hinge"
    assert (name_of(math.sin), name_of(np.sin)) == ("math:sin", "numpy:sin")
    for lost in (lambda x: x, np.vectorize(hinge), type("f", (), {"__call__": hinge})()):
        with pytest.raises(
            InputError, match=r"stands by its name in a module.*mine\.py and give truth='mine:f"
        ):
            name_of(lost)


SMALL = {
    "seeds": 1,
    "clean_seeds": 0,
    "steps": 20,
    "width": 10,
    "step_sizes": (0.1, 0.2),
    "arms": ("small_init",),
}


def test_run_takes_a_truth_by_its_function_and_says_what_settings_exist():
    by_function = experiments.run("curve-fitting", SMALL, truth=np.cos)
    by_name = experiments.run("curve-fitting", truth="numpy:cos", **SMALL)
    assert by_function.table.records() == by_name.table.records()
    assert by_function.runs[0].row["truth"].startswith("numpy:cos#")
    for settings, changes, says in (
        ({"thruth": 1}, {}, "unknown setting of curve-fitting 'thruth'; did you mean 'truth'"),
        ([1], {}, "settings must be a mapping, such as a dict, got a list"),
        (
            {},
            {"truht": np.cos},
            "unknown setting of curve-fitting 'truht'; did you mean 'truth'.* known: truth, n",
        ),
        ({}, {"truth": lambda x: x}, "truth must be a function that stands by its name in a module"),
        ({}, {"truth": 3}, "truth must be text, got 3"),
        ({"n": 2.5}, {}, "n must be a whole number, got 2.5"),
        ({"n": True}, {}, "n must be a whole number, got True"),
        ({"noise": float("nan")}, {}, "noise must be a finite number, got nan"),
        ({"step_sizes": 0.1}, {}, "step_sizes must be a list of at least one value, got 0.1"),
        ({"step_sizes": [None]}, {}, "step_sizes must be a finite number, got None"),
        ({"seeds": 1}, {"seeds": 2}, "seeds must be given once"),
        ({1: 2}, {}, "setting of curve-fitting must be one of truth"),
    ):
        with pytest.raises(InputError, match=says):
            experiments.run("curve-fitting", settings, **changes)
    with pytest.raises(InputError, match=r"settings must be complete, as curve-fitting\.settings\(\)"):
        experiments.get("curve-fitting").specs({"n": 3})
    with pytest.raises(InputError, match="claim must be a Claim, got an int"):
        experiments.run(3)


def test_an_edited_truth_makes_new_runs_on_the_command_line(module, tmp_path, capsys, monkeypatch):
    claim = replace(experiments.get("curve-fitting"), draw=lambda _: {})
    monkeypatch.setattr("stepscape.experiments.square.curve_fitting.CLAIM", claim)
    m = module("def f(x): return abs(x)")
    words = [f"{key}={','.join(map(str, v)) if isinstance(v, tuple) else v}" for key, v in SMALL.items()]
    command = ["run", "curve-fitting", "--out", "out", "--set", f"truth={m}:f"]
    command += [part for word in words for part in ("--set", word)]

    def identities():
        assert main(command) == 0
        capsys.readouterr()
        return set(Store.open(tmp_path / "out" / "store").outcomes())

    first = identities()
    assert identities() == first
    module("def f(x): return x * x", m)
    assert len(identities()) == 2 * len(first)
    assert main(["run", "curve-fitting", "--out", "none", "--set", "truth=sin"]) == 2
    assert "a truth of your own is 'module:function'" in capsys.readouterr().err


FILE = """
[problem]
truth = ["tent", "{m}:f"]
half_width = {width}
[network]
width = 5
[method]
step_size = 0.1
steps = 3
[measure]
curve_points = 5
"""


def test_a_sweep_file_names_a_truth_and_processes_find_it(module, tmp_path):
    m = module("def f(x): return math.sqrt(0.5 - abs(x))")  # on [-0.5, 0.5] alone
    specs = read_sweep(FILE.format(m=m, width=0.5), "sweep.toml").specs
    assert [spec.problem.truth.partition("#")[0] for spec in specs] == ["tent", f"{m}:f"]
    with pytest.raises(
        InputError, match=rf"sweep.toml, line 3: truth {m}:f must be a function .*\(math domain"
    ):
        read_sweep(FILE.format(m=m, width=1.0), "sweep.toml")
    with pytest.raises(InputError, match=r"sweep\.toml, line 3: truth needs the module now"):
        read_sweep(FILE.format(m="nowhere_at_all", width=1.0), "sweep.toml")
    from stepscape.sweeps.runs import work

    store = Store.create(tmp_path / "store")
    with executor("processes", 1) as processes:
        assert sweep(store, specs, work, processes).finished == 2
    record = store.records([identity(specs[1])])[0]
    expected = np.sqrt(0.5 - np.abs(record.arrays["curve_x"]))
    assert np.allclose(record.arrays["curve_truth"], expected, rtol=1e-15)
    assert [row["truth"] for row in store.rows(specs)] == [spec.problem.truth for spec in specs]


def test_a_run_in_python_seals_its_truth():
    for kind in (Curve, Bernoulli):
        run = Run(
            problem=kind(truth="numpy:cos"), network=Network(width=3),
            method=Method(step_size=0.1, steps=1), measure=Measure(),
        )  # fmt: skip
        assert run.problem.truth == sealed("numpy:cos", -1.0, 1.0)
        assert identity(run) == identity(run)
    assert Curve(truth="tent").truth == "tent"
    with pytest.raises(InputError, match="half_width must be finite and positive"):
        Curve(truth="numpy:cos", half_width=-1.0)
    with pytest.raises(InputError, match=r"low and high must be given together, got low=1.0, high=None"):
        ss.problems.curve("tent", low=1.0)
    with pytest.raises(InputError, match=r"low and high must be in increasing order, got 1.0 and 0.0"):
        ss.problems.curve("tent", low=1.0, high=0.0)
