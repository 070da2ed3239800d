"""Parquet: columns of every type, values at the ends of their range, and mangled bytes."""

from __future__ import annotations

import io
from pathlib import Path
from typing import Any

import numpy as np
from hostile import NAMES, mangle, pick


def draw(rng: np.random.Generator, folder: Path) -> list[str]:
    """Write a Parquet table and fit two of its columns."""
    names = [NAMES[i] for i in rng.permutation(len(NAMES))[: int(rng.integers(2, 6))]]
    if rng.random() < 0.1:
        names[-1] = names[0]
    (folder / "table.parquet").write_bytes(content(rng, names))
    words = ["fit", "table.parquet", f"--x={names[0]}", f"--y={names[1]}", "--out=fit"]
    words = [word.replace("\0", "") for word in words]
    words += ["--step-size=0.3"] if rng.random() < 0.8 else []
    return words + (["--json"] if rng.random() < 0.5 else [])


def content(rng: np.random.Generator, names: list[str]) -> bytes:
    import pyarrow as pa
    from pyarrow import parquet

    rows = int(rng.integers(0, 30)) + 10 * int(rng.random() < 0.8)
    columns = [column(pa, rng, rows) for _ in names]
    schema = pa.schema([pa.field(name, one.type) for name, one in zip(names, columns, strict=True)])
    file = io.BytesIO()
    parquet.write_table(pa.Table.from_arrays(columns, schema=schema), file)
    data = file.getvalue()
    return mangle(rng, data) if rng.random() < 0.3 else data


def column(pa: Any, rng: np.random.Generator, rows: int) -> Any:
    """Return a column whose values are any bits of its type."""
    bits = rng.integers(-(2**63), 2**63 - 1, size=rows)
    small = rng.integers(-50, 50, size=rows)
    mask = rng.random(rows) < 0.1
    types = [
        pa.timestamp("ms"), pa.timestamp("ns", tz="Europe/Berlin"), pa.timestamp("us", tz="Nowhere/None"),
        pa.time64("ns"), pa.duration("ms"), pa.int64(), pa.uint64(),
    ]  # fmt: skip
    match int(rng.integers(10)):
        case 0 | 1 | 2 | 3 | 4:
            return pa.array(rng.normal(size=rows), mask=mask)
        case 5:
            kind = types[int(rng.integers(len(types)))]
            values = bits if rng.random() < 0.5 else small
            return pa.Array.from_buffers(kind, rows, [None, pa.py_buffer(values.astype(np.int64).tobytes())])
        case 6:
            return pa.array(
                [pick(rng, list(NAMES)).encode("utf-8", "surrogatepass") for _ in range(rows)], pa.binary()
            )
        case 7:
            offsets = np.arange(rows + 1, dtype=np.int32) * 3
            return pa.Array.from_buffers(
                pa.string(), rows, [None, pa.py_buffer(offsets.tobytes()), pa.py_buffer(rng.bytes(3 * rows))]
            )
        case 8:
            return pa.array([bool(value % 2) for value in small], pa.bool_())
        case _:
            return pa.array([[int(value)] for value in small], pa.list_(pa.int64()))
