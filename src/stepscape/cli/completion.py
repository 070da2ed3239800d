"""What a shell may complete: experiments, families, settings and their values, names of files.

Nothing here may fail or print: a shell shows what comes on the command line that is being typed.
"""

from __future__ import annotations

import os

import typer

from stepscape.cli.parser import first_argument


def experiments(incomplete: str) -> list[str]:
    """Complete the name of an experiment."""
    from stepscape import experiments

    return [name for name in experiments.names() if name.startswith(incomplete)]


def figures(incomplete: str) -> list[str]:
    """Complete the name of an illustration or of an experiment."""
    from stepscape.cli.figure import names

    return [name for name in names() if name.startswith(incomplete)]


def families(incomplete: str) -> list[str]:
    """Complete the name of a family or of an experiment."""
    from stepscape import experiments

    names = experiments.names()
    known = dict.fromkeys([*map(experiments.family, names), *names])
    return [name for name in known if name.startswith(incomplete)]


def settings(ctx: typer.Context, incomplete: str) -> list[str]:
    """Complete KEY=VALUE of the experiment that stands on the command line."""
    from stepscape import experiments
    from stepscape.cli.setting_words import as_text, values

    name = first_argument(ctx)
    if name not in experiments.names():
        return []
    quick = experiments.get(name).quick
    key, equals, typed = incomplete.partition("=")
    if not equals:
        return [f"{known}=" for known in quick if known.startswith(key)]
    if key not in quick:
        return []
    before, comma, last = typed.rpartition(",")
    known = values(key) or ([as_text(quick[key])] if not typed else [])
    return [f"{key}={before}{comma}{value}" for value in known if value.startswith(last)]


def executors(incomplete: str) -> list[str]:
    """Complete the name of an executor."""
    from stepscape.lab.executors import NAMES

    return [name for name in NAMES if name.startswith(incomplete)]


def tables(incomplete: str) -> list[str]:
    """Complete the name of a table."""
    return files(incomplete, (".csv", ".tsv", ".txt", ".dat", ".parquet", ".gz"))


def networks(incomplete: str) -> list[str]:
    """Complete the name of a saved network."""
    return files(incomplete, (".npz",))


def runs(incomplete: str) -> list[str]:
    """Complete the name of a file of rows."""
    return files(incomplete, (".jsonl",))


def sweeps(incomplete: str) -> list[str]:
    """Complete the name of a sweep file."""
    return files(incomplete, (".toml",))


def directories(incomplete: str) -> list[str]:
    """Complete the name of a directory."""
    return [name for name in files(incomplete) if name.endswith(os.sep)]


def files(incomplete: str, endings: tuple[str, ...] = ()) -> list[str]:
    """Complete the name of a file with one of these endings (none: any), or of a directory on the way."""
    folder, start = os.path.split(incomplete)
    try:
        entries = sorted(os.scandir(folder or os.curdir), key=lambda entry: entry.name)
    except (OSError, ValueError):
        return []
    found = []
    for entry in entries:
        if entry.name.startswith(start) and not (entry.name.startswith(".") and not start):
            if entry.is_dir():
                found.append(os.path.join(folder, entry.name, ""))
            elif entry.name.lower().endswith(endings or ("",)):
                found.append(os.path.join(folder, entry.name))
    return found
