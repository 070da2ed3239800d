"""The command ``example-sweep``: a sweep file that works, to begin from."""

from __future__ import annotations

from importlib.resources import files

from stepscape.cli import console
from stepscape.cli.interrupt import Unfinished

EXAMPLES = {False: "example-sweep.toml", True: "example-sweep-several-inputs.toml"}


def example_sweep(several_inputs: bool, as_json: bool, _unfinished: Unfinished) -> None:
    """Print the file."""
    text = (files("stepscape") / "data" / EXAMPLES[several_inputs]).read_text(encoding="utf-8")
    console.answer({"command": "example-sweep", "file": text}, text.splitlines(), as_json)
