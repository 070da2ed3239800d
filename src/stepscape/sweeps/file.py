"""A user's sweep: a short TOML file → runs.

Any key of [problem], [network] and [method] may list several values, and these sections may stand several
times, as [[problem]], [[network]], [[method]]. The runs are, for each seed, every combination of a problem, a
network and a method; of a section, every combination of its values, in the order of the file, the last key
fastest. Sections [matrix] and [solver] instead make runs that recover matrices.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import partial
from itertools import product
from typing import Any

from stepscape.lab import data as tables
from stepscape.memory import require_memory
from stepscape.problems.user.columns import Columns
from stepscape.sweeps.cluster_options import cluster_options
from stepscape.sweeps.location import Location, parse
from stepscape.sweeps.matrices import Recovery, recover
from stepscape.sweeps.parts import AnyProblem, Measure, dimension_of, examples_of
from stepscape.sweeps.runs import Run, work
from stepscape.sweeps.sections import MATRICES, NETWORKS, Reader, refuse_too_many
from stepscape.tables.records import Record

MOST_RUNS = 1_000_000


@dataclass(frozen=True)
class SweepFile:
    """What a sweep file asks for.

    Attributes
    ----------
    title : its own, or "".
    specs : the runs, each once.
    repeated : how many more the file describes that are equal to one of these.
    cluster : what is asked of Slurm, by the names of dask-jobqueue; no part of any identity.
    data : the columns of each table with what was dropped and why, by digest.
    notes : what 0 and 1 stand for in each table with an outcome of two values, and what was guessed about it.
    """

    title: str
    specs: tuple[Run | Recovery, ...]
    repeated: int
    cluster: Mapping[str, Any]
    data: Mapping[str, Columns]
    notes: tuple[str, ...]

    def work_in(self, folder: str | os.PathLike[str]) -> Callable[..., Record]:
        """Keep the data in a folder, ``data/`` of a store, and return the work that finds them there."""
        for columns in self.data.values():
            tables.save(folder, columns.x, columns.y)
        if self.specs and isinstance(self.specs[0], Recovery):
            return recover
        return partial(work, data=os.path.abspath(folder))


def read_sweep(content: str | bytes, name: str, folder: str | os.PathLike[str] = "") -> SweepFile:
    """Read a sweep file, given as it stands on disk; data files are relative to `folder`, which is its own.

    Raises
    ------
    InputError
        Something in it is wrong, ranges and data files included: one sentence with `name` and the line.
    OutputError, Unavailable
        As `problems.user.file.read_table`.
    """
    document, place = parse(content, name)
    reader = Reader(document, place, os.fspath(folder))
    reader.refuse_unknown()
    title, seeds, measure = reader.title(), reader.seeds(), reader.measure()
    cluster = cluster_options(document.get("cluster", {}), place)
    grids = [reader.grids(section) for section in (MATRICES if reader.of_matrices else NETWORKS)]
    refuse_too_many(place, seeds, grids, MOST_RUNS)
    parts: list[list[Any]] = [[part for grid in section for part in reader.expand(grid)] for section in grids]
    runs: list[Run | Recovery]
    if reader.of_matrices:
        runs = [
            Recovery(matrix=matrix, solver=solver, seed=seed)
            for seed in seeds
            for matrix, solver in product(*parts)
        ]
    else:
        runs = _of_networks(place, seeds, parts, measure, reader.sizes)
    specs = tuple(dict.fromkeys(runs))
    return SweepFile(title, specs, len(runs) - len(specs), cluster, reader.data, tuple(reader.notes))


def _of_networks(
    place: Location,
    seeds: list[int],
    parts: list[list[Any]],
    measure: Measure,
    sizes: Mapping[AnyProblem, int],
) -> list[Run | Recovery]:
    problems, networks, methods = parts
    for problem in problems:
        with place.at_first_word("measure"):
            measure.check(problem)
    for problem, network in product(problems, networks):
        with place.at_first_word("network"):
            network.check_for(problem)
    for problem, method in product(problems, methods):
        with place.at_first_word("method"):
            method.check_for(problem)
            method.check_batch(sizes.get(problem, examples_of(problem)))
    _refuse_large(place, parts, measure)
    return [
        Run(problem=problem, network=network, method=method, measure=measure, seed=seed)
        for seed in seeds
        for problem, network, method in product(*parts)
    ]


# Bytes at the peak of a run, as measured, for each input, neuron, point and record; the basis of Lanczos has
# 64 vectors of d + 2 numbers for each neuron. With several input variables an input costs _NUMBER for each of
# them, and _PAIR for each neuron.
_INPUT, _NEURON, _BASIS, _POINT, _RECORD = 300.0, 300.0, 64 * 8.0, 64.0, 650.0
_NUMBER, _PAIR = 100.0, 40.0


def _refuse_large(place: Location, parts: list[list[Any]], measure: Measure) -> None:
    """Refuse a run that would not fit in memory before any is made, at the key that asks for the most."""
    problems, networks, methods = parts
    records = min(measure.records, max(method.steps for method in methods))
    width, most = max(network.width for network in networks), max(map(dimension_of, problems))
    n, each = max((examples_of(problem) * _bytes(problem, width), problem.n) for problem in problems)[::-1]
    neuron = _NEURON + _BASIS * (most + 2) * measure.sharpness
    counts = {
        ("problem", "n"): (n, each),
        ("network", "width"): (width, width * neuron),
        ("measure", "curve_points"): (measure.curve_points, measure.curve_points * _POINT),
        ("measure", "records"): (records, records * _RECORD),
    }
    largest = max(counts, key=lambda path: counts[path][1])
    with place.at(*largest):
        require_memory(largest[1], counts[largest][0], sum(needs for _, needs in counts.values()))


def _bytes(problem: AnyProblem, width: int) -> float:
    """Bytes of an example."""
    d = dimension_of(problem)
    return _INPUT if d == 1 else _INPUT + _NUMBER * d + _PAIR * width
