"""Measurements on disk: an ``.npz`` of plain arrays that any program can write."""

from __future__ import annotations

import io
import os
from collections.abc import Callable
from typing import Any

import numpy as np
from numpy.typing import NDArray

from stepscape.arguments import path as file_path
from stepscape.arguments import reals
from stepscape.errors import InputError, bad, expect, nearest, printable
from stepscape.factorization import Structure
from stepscape.files import read_bytes, write_atomic
from stepscape.problems.linear_maps import Dense, Entries, LinearMap, RankOne, Sparse
from stepscape.problems.linear_maps.linear_map import finite_array
from stepscape.problems.measurements import Measurements
from stepscape.problems.npz_arrays import read_arrays

Arrays = dict[str, NDArray[Any]]
# The arrays of each kind of measurements; one kind is given.
KINDS = {
    "A": ("A",),
    "left and right": ("left", "right"),
    "rows, cols and shape": ("rows", "cols", "shape"),
    "vectors": ("vectors",),
    "data, indices, indptr and shape": ("data", "indices", "indptr", "shape"),
}
FURTHER = ("b", "scales", "symmetric", "psd", "truth", "noise", "name")
KNOWN = tuple(dict.fromkeys([*FURTHER, *(key for keys in KINDS.values() for key in keys)]))


def read_measurements(path: str | os.PathLike[str]) -> Measurements:
    """Read labels b_i = ⟨A_i, X⟩ + noise and the A_i from an ``.npz``, as ``numpy.savez`` writes it.

    The file holds ``b`` (m,) and one of

    - ``A`` (m, d1, d2): full matrices,
    - ``left`` (m, d1) and ``right`` (m, d2): A_i = left_i right_iᵀ,
    - ``vectors`` (m, d): A_i = x_i x_iᵀ; X is symmetric unless ``symmetric`` is False,
    - ``rows`` (m,), ``cols`` (m,) and ``shape`` (2,): entries of X, counted from 0,
    - ``data``, ``indices``, ``indptr`` and ``shape`` (2,): a sparse matrix (m, d1·d2) of SciPy in CSR format.

    ``shape`` is (d1, d2). Entries may be multiplied by ``scales`` (m,). Optional are ``symmetric`` and
    ``psd`` (True or False: X = U1 U1ᵀ − U2 U2ᵀ, or X = U Uᵀ), ``truth`` (d1, d2), ``noise`` (standard
    deviation of the labels) and ``name``. Nothing is unpickled.

    Raises
    ------
    InputError
        The file or what it holds cannot be used; the sentence names the file.
    OutputError
        The system failed while reading.
    """
    return read_with_notes(path)[0]


def read_with_notes(path: str | os.PathLike[str]) -> tuple[Measurements, list[str]]:
    """Read as `read_measurements`, and say in one sentence each what the file leaves open and was guessed."""
    name = file_path("path", path)
    arrays = read_arrays(read_bytes(name), name)
    try:
        measurements = _measurements(arrays)
    except InputError as error:
        raise InputError(f"cannot use {name!r}: {error}") from error
    return measurements, _notes(arrays, measurements)


def _notes(arrays: Arrays, measurements: Measurements) -> list[str]:
    """Say how X was taken if the file does not tell whether it is symmetric."""
    if "symmetric" in arrays or "psd" in arrays or max(measurements.shape) == 1:
        return []
    if measurements.structure == "symmetric":
        return [
            "X is taken for symmetric, because the file holds vectors; symmetric = False in the file lifts "
            "this, and psd = True asks for a positive semidefinite X"
        ]
    if isinstance(measurements.linear_map, Dense | Sparse | RankOne) and measurements.linear_map.symmetric:
        return [
            "every A_i is symmetric, so that no measurement sees the antisymmetric part of X; symmetric = "
            "True in the file makes X symmetric"
        ]
    return []


def write_measurements(path: str | os.PathLike[str], measurements: Measurements) -> None:
    """Write measurements as an ``.npz`` that `read_measurements` reads, whole or not at all.

    The structure, the truth, the noise and the name are written with them.
    """
    target = file_path("path", path)
    write_atomic(target, archive(measurements))


def archive(measurements: Measurements) -> bytes:
    """Return the bytes that `write_measurements` writes."""
    buffer = io.BytesIO()
    expect("measurements", measurements, Measurements)
    np.savez(buffer, allow_pickle=False, **_arrays(measurements))
    return buffer.getvalue()


def _measurements(arrays: Arrays) -> Measurements:
    for key in arrays:
        if key not in KNOWN:
            near = nearest(key, KNOWN)
            hint = f"; did you mean {near!r}?" if near else f"; known: {', '.join(KNOWN)}"
            raise InputError(f"it holds the unknown array {key!r}{hint}")
    if "b" not in arrays:
        raise bad("it", "hold the labels b", _listed(arrays))
    linear_map, labels = _linear_map(arrays), finite_array("b", arrays["b"], "(m,)")
    if labels.size != linear_map.size:
        raise bad("b", f"have one number per measurement ({linear_map.size})", labels.size)
    return Measurements(
        linear_map,
        labels,
        _structure(arrays, "vectors" in arrays),
        arrays.get("truth"),
        _scalar(arrays, "noise", "iuf", "be one number") if "noise" in arrays else None,
        printable(_scalar(arrays, "name", "U", "be one text")) if "name" in arrays else "measurements",
    )


def _linear_map(arrays: Arrays) -> LinearMap:
    """Make the measurements of the one kind that is given."""
    started = [kind for kind, keys in KINDS.items() if any(key in arrays for key in keys if key != "shape")]
    if len(started) != 1:
        must = f"hold one kind of measurements ({'; '.join(KINDS)})"
        raise bad("it", must, " and ".join(started) if started else _listed(arrays))
    kind = started[0]
    given = [arrays[key] for key in KINDS[kind] if key in arrays]
    if len(given) < len(KINDS[kind]):
        lacks = [key for key in KINDS[kind] if key not in arrays]
        raise bad("it", f"hold {kind}", f"no {' and no '.join(lacks)}")
    spare = [key for key in ("shape", "scales") if key in arrays and key not in KINDS[kind]]
    if spare and not (spare == ["scales"] and "rows" in arrays):
        raise bad(spare[0], f"not stand beside {kind}", "both", "leave it out")
    return _MAKERS[kind](*given, *([arrays["scales"]] if "scales" in arrays else []))


def _dense(matrices: Any) -> Dense:
    return Dense(finite_array("A", matrices, "(m, d1, d2)"))


def _entries(rows: Any, columns: Any, shape: Any, scales: Any = None) -> Entries:
    places: Any = finite_array("cols", columns, "(m,)")  # what is wrong with them is said by the file's name
    return Entries(rows, places, _pair(shape), scales)


def _vectors(vectors: Any) -> RankOne:
    read = finite_array("vectors", vectors, "(m, d)")
    return RankOne(read, read)


def _sparse(data: Any, indices: Any, indptr: Any, shape: Any) -> Sparse:
    from scipy import sparse

    d1, d2 = _pair(shape)
    values = reals("data", data)
    try:
        places, ends = (each.astype(np.int64, casting="safe") for each in (indices, indptr))
        rows = sparse.csr_array((values, places, ends), shape=(len(ends) - 1, d1 * d2))
        rows.check_format(full_check=True)
    except (TypeError, ValueError) as error:
        must = "be those of a sparse matrix in CSR format"
        raise bad("data, indices and indptr", must, f"others ({printable(str(error))[:80]})") from error
    return Sparse(rows, (d1, d2))


_MAKERS: dict[str, Callable[..., LinearMap]] = dict(
    zip(KINDS, (_dense, RankOne, _entries, _vectors, _sparse), strict=True)
)


def _pair(shape: NDArray[Any]) -> tuple[int, int]:
    if shape.shape != (2,) or shape.dtype.kind not in "iu" or (shape < 1).any():
        raise bad(
            "shape", "be two whole numbers (d1, d2) of at least 1", f"{shape.dtype} {shape.tolist()}"[:60]
        )
    return int(shape[0]), int(shape[1])


def _structure(arrays: Arrays, symmetric_by_default: bool) -> Structure:
    psd = "psd" in arrays and _flag(arrays, "psd")
    symmetric = _flag(arrays, "symmetric") if "symmetric" in arrays else psd or symmetric_by_default
    if psd and not symmetric:
        raise bad("psd", "be False where symmetric is False", True)
    return "psd" if psd else "symmetric" if symmetric else "any"


def _flag(arrays: Arrays, key: str) -> bool:
    value = _scalar(arrays, key, "biu", "be True or False")
    if value not in (0, 1):
        raise bad(key, "be True or False", value)
    return bool(value)


def _scalar(arrays: Arrays, key: str, kinds: str, must: str) -> Any:
    array = arrays[key]
    if array.size != 1 or array.dtype.kind not in kinds:
        raise bad(key, must, f"an array of {array.dtype} and shape {array.shape}")
    return array.item()


def _listed(arrays: Arrays) -> str:
    return f"only {', '.join(map(printable, arrays))}" if arrays else "nothing"


def _arrays(measurements: Measurements) -> dict[str, Any]:
    """Return what is written."""
    known = {"truth": measurements.truth, "noise": measurements.noise, "name": measurements.name}
    structure = {"symmetric": measurements.structure != "any", "psd": measurements.structure == "psd"}
    return {
        "b": measurements.labels,
        **_arrays_of(measurements.linear_map),
        **structure,
        **{key: value for key, value in known.items() if value is not None},
    }


def _arrays_of(linear_map: LinearMap) -> dict[str, Any]:
    if isinstance(linear_map, Dense):
        return {"A": linear_map.matrices}
    if isinstance(linear_map, RankOne):
        return (
            {"vectors": linear_map.left}
            if linear_map.symmetric
            else {"left": linear_map.left, "right": linear_map.right}
        )
    if isinstance(linear_map, Entries):
        places = {"rows": linear_map.rows, "cols": linear_map.columns, "scales": linear_map.scales}
        return {**places, "shape": linear_map.shape}
    if isinstance(linear_map, Sparse):
        rows = linear_map.rows
        parts = {"data": rows.data, "indices": rows.indices, "indptr": rows.indptr}
        return {**parts, "shape": linear_map.shape}
    raise bad("measurements", "be Dense, Sparse, RankOne or Entries to be saved", type(linear_map).__name__)
