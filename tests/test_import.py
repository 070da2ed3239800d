"""What `import stepscape` loads, and what it offers."""

from __future__ import annotations

import importlib
import inspect
import json
import pkgutil
import re
import subprocess
import sys
from pathlib import Path

import pytest

import stepscape as ss

HEAVY = ("numba", "scipy", "sklearn", "matplotlib", "torch", "pandas", "pyarrow", "jinja2", "typer", "rich")


def loaded_by(code: str) -> set[str]:
    out = subprocess.run(
        [sys.executable, "-c", f"{code}\nimport sys, json; print(json.dumps(sorted(sys.modules)))"],
        check=True, capture_output=True, text=True,
    ).stdout  # fmt: skip
    return set(json.loads(out))


def test_import_loads_the_errors_and_nothing_heavy():
    # Every import of a module costs the first command of every shell: say which ones are allowed.
    ours = loaded_by("import stepscape") - loaded_by("import numpy")
    heavy = {name for name in ours if name.split(".")[0] in HEAVY}
    assert not heavy
    assert {name for name in ours if name.startswith("stepscape")} == {"stepscape"}
    assert len(ours) <= 10, sorted(ours)


def test_the_network_and_the_method_need_numpy_alone():
    code = (
        "import stepscape as ss; ss.TwoLayerReLU.random(3).predict([0.5]); ss.problems.tent();"
        "ss.GradientDescent(0.1, 3).threshold(); ss.Factorization.random((3, 4), 2).matrix;"
        "p = ss.problems.matrix_sensing(d1=3, d2=4, m=5); p.loss(p.truth); ss.problems.robust_pca();"
        "ss.problems.quadratic_network(); ss.problems.matrix_completion()"
    )
    assert not {name for name in loaded_by(code) if name.split(".")[0] in HEAVY}


def test_training_loads_no_statistics_figures_or_torch():
    code = (
        "import stepscape as ss; p = ss.problems.tent();"
        "ss.train(p, ss.TwoLayerReLU.random(3), ss.GradientDescent(0.1, 3))"
    )
    loaded = loaded_by(code)
    for name in ("scipy.stats", "scipy.sparse", "sklearn", "matplotlib", "torch", "pandas", "pyarrow"):
        assert name not in loaded
    assert "numba" in loaded


def test_all_lists_every_name_and_module():
    assert sorted(ss.__all__) == sorted(["__version__", *ss._HOMES, *ss._MODULES])


@pytest.mark.parametrize("name", [name for name in ss.__all__ if name != "__version__"])
def test_every_public_name_can_be_had(name):
    value = getattr(ss, name)
    assert value is getattr(ss, name)
    assert name in dir(ss)
    home = ss._HOMES.get(name)
    assert value is (
        getattr(importlib.import_module(home), name) if home else sys.modules[f"stepscape.{name}"]
    )


def test_unknown_names_are_attribute_errors():
    with pytest.raises(AttributeError, match=r"module 'stepscape' has no attribute 'sharpnes'"):
        _ = ss.sharpnes
    with pytest.raises(ImportError, match="cannot import name"):
        exec("from stepscape import nothing")


def test_kernels_are_the_only_compiled_files():
    # The test session's cache of machine code is named after their source alone.
    package = Path(ss.__file__).parent
    users = {f.relative_to(package).parts[0] for f in package.rglob("*.py") if "numba" in imports(f)}
    assert users == {"kernels"}


def imports(file: Path) -> set[str]:
    words = [line.split() for line in file.read_text(encoding="utf-8").splitlines()]
    return {line[1].split(".")[0] for line in words if len(line) > 1 and line[0] in ("import", "from")}


def test_errors_are_what_python_users_catch():
    assert issubclass(ss.InputError, ValueError)
    assert issubclass(ss.InputError, ss.StepscapeError)
    assert issubclass(ss.errors.OutputError, OSError)
    assert issubclass(ss.errors.Unavailable, ImportError)
    assert not issubclass(ss.errors.NotConverged, ValueError)


def test_errors_say_what_must_hold_what_came_and_what_to_do():
    assert str(ss.errors.bad("width", "be at least 1", 0)) == "width must be at least 1, got 0"
    assert str(ss.errors.bad("a", "be b", "c", "do d")) == "a must be b, got c; do d"
    assert (
        str(ss.errors.unknown("curve", "tend", ["tent"]))
        == "unknown curve 'tend'; did you mean 'tent'? known: tent"
    )
    assert str(ss.errors.unknown("curve", "zzz", ["tent", "a"])) == "unknown curve 'zzz'; known: tent, a"
    assert str(ss.errors.unknown("curve", "x", [])) == "unknown curve 'x'; known: none"
    many = [f"name-{i:03d}" for i in range(100)]
    for name in ("x", 3):
        sentence = str(ss.errors.unknown("curve", name, many))
        assert "name-000, name-001" in sentence
        assert re.search(r"name-\d{3} and others, 100 in all", sentence)
        assert len(sentence) < 600


REFERENCE = (Path(__file__).parents[1] / "docs" / "reference" / "api.md").read_text("utf-8")
DOCUMENTED = set(re.findall(r"^\.\. (?:current|auto)module:: (\S+)", REFERENCE, re.MULTILINE))


@pytest.mark.parametrize("name", sorted({*DOCUMENTED, *(f"stepscape.{name}" for name in ss._MODULES)}))
def test_what_a_public_module_shows_is_what_it_offers(name: str) -> None:
    module = importlib.import_module(name)
    assert dir(module) == sorted(module.__all__)
    for each in module.__all__:
        value = getattr(module, each)
        assert not inspect.ismodule(value) or each in ss._MODULES
    assert not {"annotations", "Any", "TYPE_CHECKING", "importlib", "np"} & set(dir(module))


@pytest.mark.parametrize(
    "package",
    [
        f"stepscape{name}"
        for name in (
            "",
            ".lab",
            ".measures",
            ".experiments",
            ".explorer",
            ".theory",
            ".objectives",
            ".problems",
            ".recovery",
            ".estimators",
            ".monitor",
        )
    ],
)
def test_no_module_hides_a_public_name(package: str) -> None:
    home = importlib.import_module(package)
    modules = {name for _, name, _ in pkgutil.iter_modules(home.__path__)}
    callables = {name for name in home.__all__ if not inspect.ismodule(getattr(home, name))}
    assert not modules & callables
