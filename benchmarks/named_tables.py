"""Results of a benchmark over named tables, kept in one file: a table that is named replaces its part."""

from __future__ import annotations

import json
import sys
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Any

RESULTS = Path(__file__).parent / "results"


def update(
    benchmark: str,
    tables: Iterable[str],
    run_table: Callable[[str], dict[str, Any]],
    markdown: Callable[[list[dict[str, Any]]], str],
) -> None:
    """Run the tables named on the command line, or all; write results/BENCHMARK.json and .md after each."""
    order = list(tables)
    RESULTS.mkdir(exist_ok=True)
    file = RESULTS / f"{benchmark}.json"
    for name in sys.argv[1:] or order:
        found = run_table(name)
        known = {r["table"]: r for r in json.loads(file.read_text())} if file.exists() else {}
        known[name] = found
        results = [known[table] for table in order if table in known]
        file.write_text(json.dumps(results, indent=1) + "\n")
        (RESULTS / f"{benchmark}.md").write_text(markdown(results))
        print(markdown([known[name]]).removeprefix(markdown([])), flush=True)
