"""The command ``example-npz``: a file for ``recover``, to begin from."""

from __future__ import annotations

from stepscape.cli import console
from stepscape.cli.interrupt import Unfinished
from stepscape.cli.one_file import check_target, write_target


def example_measurements(target: str, force: bool, as_json: bool, _unfinished: Unfinished) -> None:
    """Write bilinear measurements of a matrix of rank 2."""
    from stepscape.problems import bilinear_sensing
    from stepscape.problems.measurement_files import archive

    check_target(target, force)
    problem = bilinear_sensing(d1=20, d2=20, rank=2, m=200)
    write_target(target, archive(problem), force)
    keys = {"left": "a (m, d1)", "right": "b (m, d2)", "b": "labels (m,)", "truth": "X (d1, d2)"}
    said = [f"Wrote {target}:", *console.columns(keys.items()), f"Next: stepscape recover {target}"]
    console.answer({"command": "example-npz", "file": target, "arrays": list(keys)}, said, as_json)
