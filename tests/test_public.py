"""Whatever a public function is given, it works rightly or says in one sentence what is wrong."""

from __future__ import annotations

import importlib
import inspect
import re
import warnings
from collections.abc import Callable, Iterator
from pathlib import Path
from types import ModuleType
from typing import Any

import numpy as np
import pytest
from sklearn.exceptions import NotFittedError

import public_calls
import stepscape as ss
import wrong_objects
from stepscape.errors import InputError
from stepscape.monitor import Unmeasured

# Submodules that the reference documents beside the modules of `ss`.
FURTHER = (
    "stepscape.measures.measures", "stepscape.measures.classification", "stepscape.lab.status",
)  # fmt: skip


def public() -> Iterator[tuple[str, Callable[..., Any]]]:
    """Yield every public function, class and method with the name that it has in its first module."""
    seen: set[int] = set()
    modules = [ss, *(getattr(ss, name) for name in ss._MODULES), *map(importlib.import_module, FURTHER)]
    for module in modules:
        for name, value in _offered(module):
            if id(value) in seen or not callable(value):
                continue
            seen.add(id(value))
            full = f"{module.__name__}.{name}".removeprefix("stepscape.")
            if not inspect.isclass(value):
                yield full, value
            elif not getattr(value, "_is_protocol", False):
                yield full, value
                yield from _methods(full, value)


def _offered(module: ModuleType) -> list[tuple[str, Any]]:
    names = getattr(module, "__all__", None) or [
        name for name, value in vars(module).items() if getattr(value, "__module__", "") == module.__name__
    ]
    return [(name, getattr(module, name)) for name in names if not name.startswith("_")]


def _methods(full: str, kind: type) -> Iterator[tuple[str, Callable[..., Any]]]:
    for name, value in vars(kind).items():
        bare = getattr(value, "__func__", value)
        wanted = not name.startswith("_") or name == "__getitem__"
        if wanted and inspect.isfunction(bare) and len(inspect.signature(bare).parameters) > 1:
            yield f"{full}.{name}", getattr(kind, name)


PUBLIC = dict(public())
WRAPPED = public_calls.Text | public_calls.File | public_calls.Anything
# Sentences of scikit-learn, which its users know.
SKLEARN = (ValueError, TypeError, NotFittedError)
ESTIMATORS = ("StepSize", "WeightedTV")  # they speak as scikit-learn does


@pytest.fixture(scope="module")
def calls(tmp_path_factory: pytest.TempPathFactory) -> dict[str, dict[str, Any]]:
    return public_calls.calls(tmp_path_factory.mktemp("public"))


def parameters(name: str) -> list[str]:
    found = inspect.signature(PUBLIC[name]).parameters.values()
    return [each.name for each in found if each.kind not in (each.VAR_POSITIONAL, each.VAR_KEYWORD)]


def call(name: str, arguments: dict[str, Any]) -> Any:
    plain = {key: value.value if isinstance(value, WRAPPED) else value for key, value in arguments.items()}
    given = {key: value for key, value in plain.items() if value is not public_calls.NOTHING}
    fit, settings = (
        given.pop("fit", None) if name.startswith(ESTIMATORS) else None,
        given.pop("settings", None) if name.startswith("estimators.f") else None,
    )
    made = PUBLIC[name.partition(":")[0]](**given, **(settings or {}))
    if fit is not None:
        return made.fit(*fit)
    if name in ("monitor.JsonLines", "monitor.Monitor"):
        made.close()  # a file
    if name in ("lab.executor",):
        with made as executor:
            return executor
    return list(made) if inspect.isgenerator(made) else made


def test_every_public_name_has_a_valid_call_with_all_its_arguments(calls: dict[str, dict[str, Any]]) -> None:
    exempt = public_calls.READ_ONLY | public_calls.INNER
    known = {name.partition(":")[0] for name in calls}
    wanted = {name for name in PUBLIC if name not in exempt and [p for p in parameters(name) if p != "self"]}
    assert wanted - known == set(), "write a valid call of these into tests/public_calls.py"
    assert known - set(PUBLIC) == set()
    for name in wanted:
        given = {key for each in calls if each.partition(":")[0] == name for key in calls[each]}
        assert set(parameters(name)) <= given, name


def test_every_valid_call_is_valid(calls: dict[str, dict[str, Any]]) -> None:
    for name, arguments in calls.items():
        with warnings.catch_warnings():
            warnings.simplefilter("error")
            call(name, arguments)


@pytest.mark.parametrize("wrong", wrong_objects.wrong_objects())
def test_a_wrong_object_gets_one_sentence(
    wrong: str, calls: dict[str, dict[str, Any]], monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.chdir(tmp_path)  # a text is the name of a file there
    make = wrong_objects.wrong_objects()[wrong]
    faults = []
    for name, argument, example in arguments_of(calls):
        if wrong == "None" and optional(name, argument):
            continue  # the default
        if (argument, wrong) == ("random_state", "None"):
            continue  # a fit from a seed that nobody knows: it may diverge
        if callable(example) and argument != "name" and callable(make()):
            continue  # a function of the user's own, whose errors are the user's
        allowed = wrong_objects.takes(example, wrong) or (argument, wrong) in wrong_objects.DOCUMENTED
        if fault := attempt(name, {**calls[name], argument: make()}, argument, allowed):
            faults.append(f"{name}({argument}={wrong}): {fault}")
    print(*faults, sep="\n")
    assert not faults, f"{len(faults)} of these, printed above"


def arguments_of(calls: dict[str, dict[str, Any]]) -> Iterator[tuple[str, str, Any]]:
    for name, arguments in calls.items():
        for argument, example in arguments.items():
            extra = (
                argument == "self"
                or (argument == "fit" and name.startswith(ESTIMATORS))
                or (argument == "settings" and name.startswith("estimators."))
            )
            if not extra and example is not public_calls.NOTHING:
                yield name, argument, example


def optional(name: str, argument: str) -> bool:
    known = inspect.signature(PUBLIC[name.partition(":")[0]]).parameters
    return argument in known and known[argument].default is None


def attempt(name: str, arguments: dict[str, Any], argument: str, allowed: bool) -> str:
    """Call, and say what is wrong with the answer; "" where nothing is."""
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("error")
            warnings.filterwarnings("ignore", "X has feature names")  # scikit-learn's own
            result = call(name, arguments)
    except Unmeasured:
        return ""  # with its status: what a loss of the user's raised
    except InputError as error:
        return wording(str(error), argument)
    except Exception as error:
        if name.startswith(ESTIMATORS) and isinstance(error, SKLEARN) and "stepscape" not in str(error):
            return ""
        return f"{type(error).__name__}: {error}"[:200]
    if not allowed:
        return f"accepted, with {str(result)[:60]!r}"
    return ""


def wording(sentence: str, argument: str) -> str:
    if (
        len(sentence) > 600
        or "\n" in sentence
        or not re.search(r"\bmust\b|unknown|cannot|needs|is not", sentence)
    ):
        return f"worded as {sentence[:200]!r}"
    names = {argument, argument.replace("_", " "), *ALSO.get(argument, ())}
    if not any(re.search(rf"\b{re.escape(each)}\b", sentence) for each in names):
        return f"does not name the argument: {sentence[:200]!r}"
    return ""


# Words for an argument that say more than its name.
ALSO: dict[str, tuple[str, ...]] = {
    "values": ("matrix",), "counted": ("weights",), "trainable": ("block", "blocks"),
    "name": ("experiment", "curve", "executor", "truth"), "claim": ("experiment",),
    "identities": ("run",), "which": ("index", "column", "row"), "operator": ("matrix",),
    "overrides": ("settings", "setting"), "settings": ("setting",),
    "numbers": ("value",), "origin": ("value",), "arrays": ("array",), "columns": ("column",),
    "entries": ("segment",), "file": ("path", "cannot read"), "measure": ("quantity",), "layers": ("layer",),
    "batch": ("batches",), "line": ("row",), "select": ("chosen",),
    "path": ("directory", "store", "network", "cannot read"),
}  # fmt: skip


def equal(one: Any, other: Any) -> bool:
    if hasattr(one, "trajectory_"):
        one, other = (each.trajectory_.network.parameters for each in (one, other))
    if isinstance(one, np.ndarray):
        return np.array_equal(one, other, equal_nan=one.dtype.kind == "f")
    return repr(one) == repr(other)


def test_a_column_of_pandas_and_a_list_are_arrays(calls: dict[str, dict[str, Any]]) -> None:
    import pandas as pd

    for name, arguments in calls.items():
        for argument, example in arguments.items():
            if not (isinstance(example, np.ndarray) and example.ndim == 1):
                continue
            expected = call(name, arguments)
            for same in (
                pd.Series(example),
                example.tolist(),
                pd.Series(example, index=range(example.size)[::-1]),
            ):
                found = call(name, {**arguments, argument: same})
                assert equal(found, expected), (name, argument, type(same))
