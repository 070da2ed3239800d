"""Many trials, each within its time and memory, in processes that a fault may take down."""

from __future__ import annotations

import argparse
import os
import resource
import selectors
import subprocess
import sys
import tempfile
import time
from pathlib import Path

HERE = Path(__file__).resolve().parent
sys.path[:0] = [str(HERE), str(HERE.parent)]
SECONDS, GIBIBYTES = 20.0, 4
COMPILING = 120.0  # for the first trial of a process
CHUNK = 500
LONG = ("toml", "arguments")  # kinds that may ask for work without end; it must stop when told to


def main() -> int:
    """Make the trials and print their faults; the exit status is 1 if there were any."""
    asked = parse()
    if asked.child:
        return child(asked.kind, asked.first, asked.trials, asked.keep)
    from trial import KINDS

    faults = 0
    for kind in [asked.kind] if asked.kind else KINDS:
        began, found = time.monotonic(), 0
        seed = asked.first
        while seed < asked.first + asked.trials:
            last = min(seed + CHUNK, asked.first + asked.trials)
            seed, new = watch(kind, seed, last - seed, asked.keep)
            found += new
        print(f"{kind}: {asked.trials} trials, {found} faults, {time.monotonic() - began:.0f} s", flush=True)
        faults += found
    return int(faults > 0)


def parse() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python tests/fuzz", description=__doc__)
    parser.add_argument("--kind", help="one kind of input (default: all)")
    parser.add_argument("--trials", type=int, default=10_000, help="of each kind (default: %(default)s)")
    parser.add_argument("--first", type=int, default=0, help="first seed")
    parser.add_argument("--keep", help="a directory that keeps the input of the last trial")
    parser.add_argument("--child", action="store_true", help=argparse.SUPPRESS)
    return parser.parse_args()


def watch(kind: str, first: int, trials: int, keep: str | None) -> tuple[int, int]:
    """Run a child, which is killed if it is silent; return the seed after its last trial, and its faults."""
    words = [sys.executable, str(HERE), "--child", "--kind", kind, f"--first={first}", f"--trials={trials}"]
    words += [f"--keep={keep}"] if keep else []
    process = subprocess.Popen(words, stdout=subprocess.PIPE, text=True, stderr=subprocess.DEVNULL)
    assert process.stdout is not None
    with selectors.DefaultSelector() as selector:
        selector.register(process.stdout, selectors.EVENT_READ)
        seed, faults, allowed = first, 0, COMPILING
        while selector.select(timeout=allowed):
            line = process.stdout.readline()
            if not line:
                break
            word, _, rest = line.strip().partition(" ")
            if word == "seed":
                seed, allowed = int(rest), SECONDS if seed > first else COMPILING
            else:
                faults += 1
                print(f"{kind} --first {seed}: {rest}", flush=True)
        else:
            stops = kind in LONG and stopped(process, selector)
            process.kill()
            end = "stopped when told to" if stops else "no end"
            print(f"{kind} --first {seed}: {end} after {allowed:.0f} s", flush=True)
            return seed + 1, faults + (not stops)
    if process.wait():
        print(f"{kind} --first {seed}: the process ended with status {process.returncode}", flush=True)
        return seed + 1, faults + 1
    return first + trials, faults


def stopped(process: subprocess.Popen[str], selector: selectors.BaseSelector) -> bool:
    """Ask the command to end; whether it does."""
    process.terminate()
    return bool(selector.select(timeout=SECONDS))


def child(kind: str, first: int, trials: int, keep: str | None) -> int:
    from trial import carry_out

    report = os.fdopen(os.dup(1), "w", buffering=1)  # whatever a trial does to stdout
    for seed in range(first, first + trials):
        report.write(f"seed {seed}\n")
        with tempfile.TemporaryDirectory() as folder:
            faults = carry_out(kind, seed, Path(folder))
            if keep:
                subprocess.run(["cp", "-a", f"{folder}/.", keep], check=True)
        used = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 2**20
        if used > GIBIBYTES:
            faults.append(f"{used:.1f} GiB of memory")
        for fault in faults:
            report.write(f"fault {' '.join(fault.split())}\n")
        if used > GIBIBYTES:
            return 1
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
