"""What was recovered → the document that becomes JSON, lines and a report."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any

import numpy as np

from stepscape.recovery.convex.minimum import FEASIBLE
from stepscape.report.words import counted

if TYPE_CHECKING:
    from stepscape.cli.recover import Found, Request
    from stepscape.problems.measurements import Measurements
    from stepscape.recovery import Recovered
    from stepscape.recovery.flat_point import FlatPoint

MOST_VALUES = 1000  # singular values in the document
KINDS_OF_MATRICES = {"any": "matrix", "symmetric": "symmetric matrix", "psd": "positive semidefinite matrix"}
KINDS = {
    "Dense": "full matrices A_i",
    "Sparse": "sparse matrices A_i",
    "RankOne": "rank-one matrices A_i",
    "Entries": "entries of X",
}


def recovery_document(request: Request, found: Found) -> dict[str, Any]:
    """Say what was read, what came of each objective, and what holds at the flat factors."""
    solutions = found.solutions
    first, second = solutions["flattest"], solutions["nuclear norm"]
    document = {
        "command": "recover",
        "data": _data(request, found),
        "penalty": _penalties(request, found),
        "identifiable": _identifiable(first),
        "solutions": {name.split()[0]: _solution(found, name) for name in solutions},
        "difference": _distance(first.matrix, second.matrix),
        "constant_trace": first.constant,
        "flat": _flat(found.points["flattest"], request.penalty) if "flattest" in found.points else None,
        "directory": request.out,
    }
    return document | {"warnings": warnings(document)}


def _data(request: Request, found: Found) -> dict[str, Any]:
    problem = found.problem
    return {
        "file": request.file,
        "name": problem.name,
        "measurements": problem.size,
        "kind": KINDS[type(problem.linear_map).__name__],
        "shape": list(problem.shape),
        "structure": problem.structure,
        "truth": problem.truth is not None,
        "noise": problem.noise,
        "guessed": found.notes,
    }


def _penalties(request: Request, found: Found) -> dict[str, Any]:
    """Say which penalty was used, which one makes X = 0, and which one noise alone explains."""
    from stepscape.recovery.penalties import noise_penalty, zero_penalty

    noise = found.problem.noise
    return {
        "used": request.penalty or None,
        "nuclear": found.solutions["nuclear norm"].penalty or None,
        "zero": zero_penalty(found.problem),
        "noise": noise_penalty(found.problem, noise) if noise else None,
    }


def _identifiable(solution: Recovered) -> dict[str, Any]:
    hidden = solution.null_space
    return {
        "rows_missing": hidden.rows,
        "columns_missing": hidden.columns,
        "unseen_rows": list(hidden.unseen_rows),
        "unseen_columns": list(hidden.unseen_columns),
    }


def _solution(found: Found, name: str) -> dict[str, Any]:
    solution = found.solutions[name]
    point, margins = found.points.get(name), solution.uniqueness
    return {
        "minimizes": solution.name,
        "status": solution.status,
        "objective": solution.objective,
        "value": solution.value,
        "bound": solution.bound,
        "gap": solution.gap,
        "rank": solution.rank,
        "unique": solution.unique,
        "complementarity": margins.complementarity if margins else math.nan,
        "injectivity": margins.injectivity if margins else math.nan,
        "residual": _residual(found.problem, solution.matrix),
        "error": _error(found.problem, solution.matrix),
        "trace": point.trace if point else math.nan,
        "iterations": solution.iterations,
        "singular_values": _singular_values(solution.matrix),
    }


def _singular_values(matrix: Any) -> list[float]:
    values: list[float] = np.linalg.svd(matrix, compute_uv=False)[:MOST_VALUES].tolist()
    return values


def _residual(problem: Measurements, matrix: Any) -> float:
    """‖A(X) − b‖/‖b‖, also with a penalty; without the division if b is 0."""
    unit = float(np.abs(problem.labels).max()) or 1.0
    rest = float(np.linalg.norm((problem.apply(matrix) - problem.labels) / unit))
    return rest / (float(np.linalg.norm(problem.labels / unit)) or 1.0)


def _error(problem: Measurements, matrix: Any) -> float:
    return problem.error(matrix) if problem.truth is not None else math.nan


def _distance(first: Any, second: Any) -> float:
    """‖X − X'‖_F over the norm of the larger one; 0 if both are 0."""
    unit = max(float(np.abs(first).max()), float(np.abs(second).max())) or 1.0
    sizes = [float(np.linalg.norm(each / unit)) for each in (first, second)]
    return float(np.linalg.norm((first - second) / unit)) / (max(sizes) or 1.0)


def _flat(point: FlatPoint, penalty: float) -> dict[str, Any]:
    top = point.sharpness
    stays = math.isfinite(point.step_size) and not penalty
    return {
        "columns": list(point.factors.widths),
        "trace": point.trace,
        "sharpness": top.value if top else math.nan,
        "sharpness_residual": top.residual if top else math.nan,
        "step_size": point.step_size if stays else math.nan,
        "norm_excess": point.norm_excess,
        "imbalance": point.imbalance,
        "certificates": {name: each.record() for name, each in point.certificates.items()},
    }


def warnings(document: dict[str, Any]) -> list[str]:
    """Say what a reader must know before relying on a matrix, one sentence each."""
    said = list(document["data"]["guessed"])
    states = {name: each["status"] for name, each in document["solutions"].items()}
    if "infeasible" in states.values():
        said.append(_no_solution(document))
    waiting = [name for name, state in states.items() if state == "undecided"]
    if waiting:
        gaps = " and ".join(f"{document['solutions'][name]['gap']:.1e}" for name in waiting)
        said.append(
            f"the iterations were spent before the solver was done ({', '.join(waiting)}: gap {gaps}); more "
            "of them, with --iterations, bring the numbers closer"
        )
    if document["penalty"]["used"] and document["penalty"]["used"] >= document["penalty"]["zero"]:
        said.append(f"the penalty is so large that X = 0; below {document['penalty']['zero']:.4g} it is not")
    return [*said, *_unseen(document["identifiable"])]


def _no_solution(document: dict[str, Any]) -> str:
    residual = document["solutions"]["flattest"]["residual"]
    structure = document["data"]["structure"]
    what = f"no {KINDS_OF_MATRICES[structure]} satisfies all equations"
    if structure == "psd" and residual <= FEASIBLE:
        why = (
            ", but a symmetric one does: if X may have negative eigenvalues, save symmetric=True instead of "
            "psd=True"
        )
    else:
        why = f": least squares misses the labels by {residual:.2g} of their norm"
    return f"{what}{why}; {_penalty_advice(document['penalty'])}"


def _penalty_advice(penalty: dict[str, Any]) -> str:
    if penalty["zero"] == 0.0:
        return "with any --penalty, X = 0 is the answer"
    from_noise = (
        f", and about {penalty['noise']:.3g} leaves out what noise of the file's standard deviation explains"
        if penalty["noise"]
        else ""
    )
    return (
        "give --penalty, a positive number that weighs the norm of X against the loss "
        f"(X = 0 from {penalty['zero']:.4g} on{from_noise})"
    )


def _unseen(hidden: dict[str, Any]) -> list[str]:
    """Say that a part of X is not identifiable."""
    sides = (("rows", hidden["rows_missing"]), ("columns", hidden["columns_missing"]))
    parts = [f"{counted(count, 'dimension')} of its {which}" for which, count in sides if count]
    if not parts:
        return []
    never = [
        f"{which} {', '.join(map(str, places[:10]))}{', …' * (len(places) > 10)}"
        for which, places in (("rows", hidden["unseen_rows"]), ("columns", hidden["unseen_columns"]))
        if places
    ]
    where = f" (no measurement touches {' and '.join(never)}, counted from 0)" if never else ""
    return [
        f"X is not identifiable: no measurement sees {' and '.join(parts)}{where}; X is 0 there and could be "
        "anything"
    ]
