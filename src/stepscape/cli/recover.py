"""The command ``recover``: measurements of a matrix → the flattest matrix that fits them, its directory."""

from __future__ import annotations

import io
import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from stepscape import files
from stepscape.cli import artifacts, console, values
from stepscape.cli.figure_files import DESIGNED, Pictures, write_figures
from stepscape.cli.interrupt import Unfinished
from stepscape.cli.output import output_directory
from stepscape.cli.provenance import Clock, colophon, provenance
from stepscape.cli.recover_document import recovery_document
from stepscape.cli.recover_lines import lines
from stepscape.cli.surroundings import own_style
from stepscape.errors import bad

if TYPE_CHECKING:
    from stepscape.problems.measurements import Measurements
    from stepscape.recovery import Recovered
    from stepscape.recovery.flat_point import FlatPoint

OBJECTIVES = ("flattest", "nuclear norm", "frobenius norm")
FILES = {"flattest": "flattest.npz", "nuclear norm": "nuclear.npz"}


@dataclass(frozen=True)
class Request:
    """What the command line asks for, checked."""

    file: str
    out: str
    penalty: float
    iterations: int

    @classmethod
    def parse(cls, file: str, out: str | None, penalty: str | None, iterations: str) -> Request:
        """Check the words of the command line that need no file."""
        most = values.whole("iterations", iterations)
        if most == 0:
            raise bad("iterations", "be at least 1", most)
        return cls(
            file,
            out or f"{Path(file).name.removesuffix('.npz') or 'matrix'}-recovered",
            0.0 if penalty is None else values.positive("penalty", penalty),
            most,
        )


@dataclass(frozen=True, eq=False)
class Found:
    """What was recovered from measurements.

    Attributes
    ----------
    notes : what the file leaves open and was guessed, one sentence each.
    solutions : by the words of `OBJECTIVES`.
    points : flat factors of the first two, where a matrix satisfies the equations or there is a penalty.
    """

    problem: Measurements
    notes: list[str]
    solutions: Mapping[str, Recovered]
    points: Mapping[str, FlatPoint]


def recover(
    request: Request, force: bool, as_json: bool, unfinished: Unfinished, pictures: Pictures = DESIGNED
) -> None:
    """Recover a matrix and write the directory."""
    from stepscape.problems.measurement_files import read_with_notes

    clock = Clock()
    problem, notes = read_with_notes(request.file)
    with output_directory(request.out, force, unfinished) as directory:
        with console.progress("recover") as progress:
            found = _found(request, problem, notes, progress)
        with own_style():
            document = recovery_document(request, found) | {"provenance": provenance(clock)}
            _write(directory, document, found, pictures)
        for name, file in FILES.items():
            files.write_atomic(directory / file, _archive(found, name))
    for warning in document["warnings"]:
        console.warn(warning)
    console.answer(document, lines(document), as_json)


def _found(request: Request, problem: Measurements, notes: list[str], progress: console.Progress) -> Found:
    from stepscape.recovery import flattest, minimum_frobenius_norm, minimum_nuclear_norm
    from stepscape.recovery.penalties import nuclear_unit

    solvers = dict(zip(OBJECTIVES, (flattest, minimum_nuclear_norm, minimum_frobenius_norm), strict=True))
    unit = nuclear_unit(problem) if request.penalty else 1.0
    solutions = {
        name: solve(
            problem,
            penalty=request.penalty * (1.0 if name == "flattest" else unit),
            iterations=request.iterations,
            progress=_ticks(progress, name, request.iterations),
        )
        for name, solve in solvers.items()
    }
    progress(1.0, "flat factors")
    return Found(problem, notes, solutions, _points(problem, solutions))


def _ticks(progress: console.Progress, name: str, iterations: int) -> Callable[[int, float], None]:
    """Tell how far a solver is: the iterations made, or the digits of its gap out of seven."""
    place, done = OBJECTIVES.index(name), 0.0
    progress(place / len(OBJECTIVES), name)

    def tick(iteration: int, gap: float) -> None:
        nonlocal done
        digits = -math.log10(gap) / 7.0 if 0.0 < gap < 1.0 else 0.0
        done = min(1.0, max(done, digits, iteration / iterations))
        progress((place + done) / len(OBJECTIVES), name)

    return tick


def _points(problem: Measurements, solutions: Mapping[str, Recovered]) -> dict[str, FlatPoint]:
    from stepscape.recovery.flat_point import flat_point

    solved = {name: solutions[name] for name in FILES if solutions[name].status != "infeasible"}
    nuclear = solved.get("nuclear norm")
    points = {}
    for name, solution in solved.items():
        fits = nuclear is not None and not solution.penalty and nuclear.status != "undecided"
        reference = nuclear.matrix if nuclear is not None and fits else solution.matrix
        points[name] = flat_point(problem, solution.matrix, solution.rank, reference)
    return points


def _archive(found: Found, name: str) -> bytes:
    """Return X and its flat factors, where there are any, as an ``.npz``."""
    import numpy as np

    arrays = {"matrix": found.solutions[name].matrix}
    if name in found.points:
        factors = found.points[name].factors
        arrays |= {"left": factors.left, "right": np.asarray(factors.right)}
    buffer = io.BytesIO()
    np.savez(buffer, allow_pickle=False, **arrays)
    return buffer.getvalue()


def _write(directory: Path, document: dict[str, Any], found: Found, pictures: Pictures) -> None:
    from stepscape.figures.recovered import recovered_figures
    from stepscape.report import draw, render
    from stepscape.report.captions import caption
    from stepscape.report.recovery import recovery_page
    from stepscape.tables.records import plain

    drawn = recovered_figures(found.problem, found.solutions)
    document["figures"] = list(drawn)
    drawings = [draw(figure, name, caption("recover", name)) for name, figure in drawn.items()]
    page = recovery_page(plain(document), drawings, colophon(document["provenance"]))
    write_figures(directory, drawn, drawings, pictures)
    artifacts.write_result(directory, document, render(page))
