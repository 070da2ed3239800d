"""CPU time of `import stepscape` beside `import numpy`, in fresh interpreters, interleaved.

Run ``python benchmarks/import_time.py``; it writes ``benchmarks/results/import_time.md``. What counts is user
plus system time of the import statement alone, all threads, with bytecode already cached. Medians with the
10th and 90th percentiles; the target is at most 1.3 times numpy.
"""

from __future__ import annotations

import argparse
import platform
import subprocess
import sys
from pathlib import Path

import numpy as np

TARGET = 1.3
STATEMENTS = {
    "import numpy": "import numpy",
    "import stepscape": "import stepscape",
    "a network, a problem, a method": "from stepscape import GradientDescent, Problem, TwoLayerReLU",
    "training": "from stepscape import train",
}
PROBE = "import time; start = time.process_time(); {}; print(time.process_time() - start)"


def measure(statement: str) -> float:
    """CPU milliseconds of one statement in a fresh interpreter."""
    out = subprocess.run(
        [sys.executable, "-c", PROBE.format(statement)], check=True, capture_output=True, text=True
    ).stdout
    return 1e3 * float(out)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--repeats", type=int, default=40)
    parser.add_argument("--out", type=Path, default=Path(__file__).parent / "results" / "import_time.md")
    options = parser.parse_args()
    times: dict[str, list[float]] = {name: [] for name in STATEMENTS}
    for statement in STATEMENTS.values():
        measure(statement)  # writes bytecode
    for _ in range(options.repeats):
        for name, statement in STATEMENTS.items():
            times[name].append(measure(statement))
    base = float(np.median(times["import numpy"]))
    ratio = float(np.median(times["import stepscape"])) / base
    lines = [
        "# CPU time of an import",
        "",
        f"`python benchmarks/import_time.py --repeats {options.repeats}`: fresh interpreters, interleaved; "
        f"Python {platform.python_version()}, numpy {np.__version__}, {platform.machine()}.",
        "",
        "| statement | median, ms | 10–90 %, ms | relative to numpy |",
        "|---|---|---|---|",
    ]
    for name, values in times.items():
        low, middle, high = np.percentile(values, [10, 50, 90])
        lines.append(f"| {name} | {middle:.1f} | {low:.1f}–{high:.1f} | {middle / base:.2f} |")
    verdict = "within it" if ratio <= TARGET else "beyond it"
    lines += [
        "",
        f"Target: `import stepscape` at most {TARGET} times `import numpy`; {ratio:.2f} is {verdict}.",
    ]
    lines += ["", "It loads no library; numpy, scipy and numba come with the first name that needs them."]
    options.out.parent.mkdir(parents=True, exist_ok=True)
    options.out.write_text("\n".join(lines) + "\n", encoding="utf-8")
    print(options.out.read_text(encoding="utf-8"))


if __name__ == "__main__":
    main()
