"""One trial: an input drawn from a seed, handed to the program, and what must hold whatever it was."""

from __future__ import annotations

import contextlib
import io
import json
import os
import re
import warnings
from collections.abc import Callable, Iterator
from pathlib import Path
from unittest import mock

import archives
import command_lines
import damaged_stores
import delimited_tables
import measurement_archives
import numpy as np
import parquet_tables
import sweep_texts

from stepscape.cli import main
from stepscape.errors import StepscapeError
from stepscape.estimators import selection
from stepscape.estimators import settings as estimator_settings
from stepscape.estimators.descent import Schedule

Draw = Callable[[np.random.Generator, Path], list[str]]
# Each writes its input into a folder and returns the command line that reads it.
KINDS: dict[str, Draw] = {
    "csv": delimited_tables.draw,
    "parquet": parquet_tables.draw,
    "toml": sweep_texts.draw,
    "npz": archives.draw,
    "store": damaged_stores.draw,
    "arguments": command_lines.draw,
    "measurements": measurement_archives.draw,
    "recover": measurement_archives.draw_recovery,
}
CONTROL = re.compile(r"[\x00-\x08\x0b-\x1f\x7f-\x9f\u202a-\u202e\u2066-\u2069]")
MAY_CHANGE = (
    "check",
    "report",
    "sweep",
    "run",
)  # commands that keep what they did although they end otherwise
SCRATCH = re.compile(r"\.tmp$|^\.stepscape")


def carry_out(kind: str, seed: int, folder: Path) -> list[str]:
    """Make one trial in an empty folder and return its faults, none of which there should be."""
    rng = np.random.default_rng([seed, list(KINDS).index(kind)])
    words = KINDS[kind](rng, folder)
    before = listing(folder)
    with short_training(), contextlib.chdir(folder), warnings.catch_warnings(record=True) as warned:
        warnings.simplefilter("always")
        status, out, err = run(words)
    faults = [
        *complaints(words, status, out, err),
        *(f"warning: {one.message}" for one in warned if issubclass(one.category, RuntimeWarning)),
    ]
    new = listing(folder) - before
    if any(SCRATCH.search(name) for name in new):
        faults.append(f"left behind: {sorted(new)[:3]}")
    if status and new and words[0] not in (*LOADERS, *MAY_CHANGE):
        faults.append(f"status {status}, and yet it wrote {sorted(new)[:3]}")
    return faults


def run(words: list[str]) -> tuple[int, str, str]:
    """Carry out a command line in this process; `load FILE` loads a network, `measure FILE` measurements."""
    out, err = (io.TextIOWrapper(io.BytesIO(), encoding="utf-8", newline="") for _ in range(2))
    with contextlib.redirect_stdout(out), contextlib.redirect_stderr(err):
        status = LOADERS[words[0]](words[1]) if words[:1] and words[0] in LOADERS else main(words)
    return status, text(out), text(err)


def load(path: str) -> int:
    """Load a network and use it; a refusal is a sentence on stderr, as at the command line."""
    import sys

    from stepscape.network import TwoLayerReLU

    try:
        values = TwoLayerReLU.load(path).predict([0.0, 1.0])
    except StepscapeError as error:
        print(f"stepscape: {error}", file=sys.stderr)
        return 2
    if not np.isfinite(values).all():
        print("this is a defect: a value that is not finite", file=sys.stderr)
    return 0


def measure(path: str) -> int:
    """Read measurements and use them, as `load` does a network."""
    import sys

    from stepscape.objectives import factors
    from stepscape.problems import read_measurements

    try:
        problem = read_measurements(path)
        objective = factors(problem, 1)
    except StepscapeError as error:
        print(f"stepscape: {error}", file=sys.stderr)
        return 2
    print(problem, objective)
    theta = np.ones(objective.size)
    with np.errstate(all="ignore"):  # numbers near the largest have squares beyond it
        values = [
            objective.trace(theta),
            *objective.gradient(theta),
            *objective.hessian(theta).product(theta),
        ]
        linear_map = problem.linear_map
        sizes = (problem.labels, linear_map.row_moment(), linear_map.column_moment())
        usual = all(np.abs(size).max() < 1e100 for size in sizes)
    if usual and not np.isfinite(values).all():
        print("this is a defect: a value that is not finite", file=sys.stderr)
    return 0


LOADERS = {"load": load, "measure": measure}


def complaints(words: list[str], status: int, out: str, err: str) -> Iterator[str]:
    """Say what is wrong with how a command ended."""
    if status not in (0, 1, 2):
        yield f"status {status}"
    for name, stream in (("stdout", out), ("stderr", err)):
        for bad in ("Traceback", "this is a defect", "Exception ignored"):
            if bad in stream:
                yield f"{name}: {bad}: {stream.strip().splitlines()[-1][:300]}"
        if found := CONTROL.search(stream):
            yield f"{name} holds the control character {found[0]!r}"
    if status and not err.strip():
        yield f"status {status} without a sentence"
    if not status and "--json" in words:
        try:
            document = json.loads(out, parse_constant=lambda name: f"not JSON: {name}")
        except ValueError as error:
            yield f"no JSON: {error}"
        else:
            if document.get("schema") != 1 or "not JSON" in json.dumps(document):
                yield "JSON without its schema, or with a number that JSON has not"


def text(stream: io.TextIOWrapper) -> str:
    stream.flush()
    return stream.buffer.getvalue().decode()  # type: ignore[attr-defined]


def listing(folder: Path) -> set[str]:
    """Names of everything in a folder, links not followed."""
    return {
        os.path.relpath(os.path.join(root, name), folder)
        for root, folders, files in os.walk(folder)
        for name in (*folders, *files)
    }


@contextlib.contextmanager
def short_training() -> Iterator[None]:
    """Fit with few neurons, steps and step sizes: the subject is what comes in."""

    def short(width: int, steps: int, seed: int) -> Schedule:
        return Schedule(min(width, 8), min(steps, 12), seed)

    few = {loss: (largest, largest / 4.0, 3) for loss, (largest, _, _) in selection.PATHS.items()}
    with (
        mock.patch.object(estimator_settings, "Schedule", short),
        mock.patch.dict(selection.PATHS, few),
    ):
        yield
