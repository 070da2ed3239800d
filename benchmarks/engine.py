"""CPU time of a training step and of curvature, beside other ways to write the same descent.

Usage: python benchmarks/engine.py [--quick] [--peers NAME ...] [--no-write]; writes results/engine.{md,json}.

Every method starts from the same weights, in float64, on one thread; methods take turns and the fastest turn
of each counts. Before it is timed, a method must reach the engine's loss. Weights are the engine's: in the
first table after a burn-in at a small step size, in the second after training at the step size that is timed.
"""

from __future__ import annotations

import argparse
import json
import os
import platform
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path

os.environ["OMP_NUM_THREADS"] = os.environ["OPENBLAS_NUM_THREADS"] = os.environ["MKL_NUM_THREADS"] = "1"
os.environ["XLA_FLAGS"] = "--xla_cpu_multi_thread_eigen=false intra_op_parallelism_threads=1"
os.environ["JAX_PLATFORMS"] = "cpu"

import numpy as np

import stepscape as ss
from engine_peers import BATCH, PEERS, Advance, State
from stepscape.curvature.lanczos import largest_eigenpair
from stepscape.kernels import relu1d

RESULTS = Path(__file__).parent / "results"
SIZES = [(30, 100), (30, 1000), (200, 400), (1000, 1000), (10_000, 1000), (10_000, 10_000)]
STEP_SIZE, BURN_IN = 0.02, 2000
TOLERANCE = 1e-9  # relative difference of the loss after CHECK_STEPS (fewer at the largest size)
CHECK_STEPS, TURNS, TURN_SECONDS = 20, 7, 0.15
EDGES = {"square": (0.01, 0.3, 0.8), "logistic": (0.01, 0.4, 2.0)}  # the last: the largest useful step size
EDGE_STEPS = 60_000  # before the timing; half as many for 10 000 inputs, a tenth when in a hurry
VARIANTS: dict[str, dict] = {
    "gradient descent": {},
    "heavy ball 0.9": {"momentum": 0.9},
    "Nesterov 0.9": {"momentum": 0.9, "look": 1.0},
    "weight decay": {"decay": 1e-3},
    "heavy ball and decay": {"momentum": 0.9, "decay": 1e-3},
    "w1, b1 frozen": {"rates": (0.0, 0.0, 1.0, 1.0)},
    "no biases": {"rates": (1.0, 0.0, 1.0, 0.0)},
    "logistic loss": {"logistic": True},
}


def start(n: int, k: int) -> State:
    """Tent with noise on a jittered grid; mean-field weights after a burn-in with the engine."""
    rng = np.random.default_rng(0)
    inputs = np.sort(np.linspace(-1, 1, n) + rng.uniform(-0.4, 0.4, n) * 2 / max(n - 1, 1))
    labels = 2 * (1 - 2 * np.abs(inputs)).clip(0) - 0.5 + 0.5 * rng.standard_normal(n)
    theta = ss.TwoLayerReLU.random(k, scale=2.0, init="mean_field", seed=0).parameters.copy()
    state = State(inputs, labels, theta, STEP_SIZE)
    descend(state, theta, BURN_IN)
    return state


def edge_start(n: int, k: int, loss: str, step_size: float, steps: int) -> State:
    """Train at a step size: a tent on [-3, 3] from a large start with warm-up, or coin flips on [-1, 1]."""
    rng = np.random.default_rng(0)
    if loss == "square":
        x = np.sort(np.linspace(-3, 3, n) + rng.uniform(-0.4, 0.4, n) * 6 / max(n - 1, 1))
        y = 2 * (1 - np.abs(x)).clip(0) - 0.5 + 0.5 * rng.standard_normal(n)
        net, warm_up = ss.TwoLayerReLU.random(k, 6.0, "mean_field", 0), steps // 3
    else:
        x = np.sort(rng.uniform(-1, 1, n))
        y = np.where(rng.uniform(size=n) < 1 / (1 + np.exp(4 * np.abs(x) - 2)), 1.0, -1.0)
        net, warm_up = ss.TwoLayerReLU.random(k, 1.0, "torch", 0), 0
    method = ss.GradientDescent(step_size, steps, warmup_steps=warm_up)
    run = ss.train(ss.Problem(x, y, loss), net, method, record_every=steps, measure_sharpness=False)
    if run.outcome != "finished":
        raise SystemExit(run.message)
    return State(x, y, run.network.parameters, step_size, loss == "logistic")


def descend(
    state: State, theta: np.ndarray, steps: int, *,
    momentum: float = 0.0, look: float = 0.0, decay: float = 0.0, rates: tuple[float, ...] = (1.0,) * 4,
    logistic: bool = False,
) -> float:  # fmt: skip
    """Run the engine's kernel in place, without dropping dead neurons; returns the loss."""
    n = state.inputs.size
    eta = state.step_size * (1.0 - momentum)
    labels = np.sign(state.labels) if logistic else state.labels
    padded = np.concatenate([[-np.inf], state.inputs, [np.inf]])
    return relu1d.descend(
        theta, np.zeros_like(theta), theta.copy(), state.inputs, padded, labels,
        np.full(n, 1.0 / n), logistic, np.array(rates), decay, momentum, look, eta, eta, 0, 0, steps,
    )[2]  # fmt: skip


def engine(state: State, **variant) -> Advance:
    given = {"logistic": state.logistic} | variant
    return lambda steps: descend(state, state.theta.copy(), steps, **given)


def cpu(advance: Advance, steps: int) -> float:
    begin = time.process_time()
    advance(steps)
    return time.process_time() - begin


def settle() -> None:
    """Wait until the threads of the method before have stopped: their CPU time is the process's, too."""
    while True:
        begin = time.process_time()
        time.sleep(0.02)
        if time.process_time() - begin < 0.002:
            return


def turns(methods: dict[str, Advance], turn_seconds: float) -> dict[str, float]:
    """CPU seconds a step of each method: the fastest of several turns, taken in rotation."""
    return {name: min(seconds) for name, seconds in samples(methods, turn_seconds).items()}


def samples(methods: dict[str, Advance], turn_seconds: float) -> dict[str, list[float]]:
    """CPU seconds a step of each method in several turns, taken in rotation."""
    steps: dict[str, int] = {}
    seconds: dict[str, list[float]] = {name: [] for name in methods}
    for name, advance in methods.items():
        once = max(cpu(advance, 2) / 2, 1e-7)
        count = max(1, int(0.1 * turn_seconds / once))
        steps[name] = max(1, int(turn_seconds / max(cpu(advance, count) / count, 1e-7)))
    for _ in range(TURNS):
        for name, advance in methods.items():
            settle()
            seconds[name].append(cpu(advance, steps[name]) / steps[name])
    return seconds


def compare(
    state: State, peers: list[str], turn_seconds: float, others: dict[str, State] | None = None
) -> dict[str, float | str]:
    """Microseconds a step and a run; a string says why there is no number. `others`: the engine elsewhere."""
    n, k = state.inputs.size, state.width
    methods, row = {"stepscape": engine(state)}, {}
    methods |= {name: engine(other) for name, other in (others or {}).items()}
    check = CHECK_STEPS if n * k < 1e8 else 2
    want = methods["stepscape"](check)
    for name in peers:
        peer = PEERS[name]
        if n * k > peer.most:
            row[name] = "too large"
            continue
        try:
            advance = peer.prepare(state)
            loss = advance(check)
        except ImportError:
            row[name] = "not installed"
            continue
        except Exception as error:  # a compiler that does not work here is a result, not a crash
            row[name] = f"failed ({type(error).__name__})"
            continue
        if not abs(loss - want) <= TOLERANCE * want:
            row[name] = f"other loss ({abs(loss / want - 1):.0e})"
            continue
        methods[name] = advance
    for name, seconds in turns(methods, turn_seconds).items():
        row[name] = 1e6 * seconds / (PEERS[name].runs if name in PEERS else 1)
    return row


def edges(sizes: list[tuple[int, int]], peers: list[str], turn_seconds: float, steps: int) -> dict:
    """Rows "loss (n, k)" of `compare` at the largest step size, the engine at the smaller ones beside it."""
    rows = {}
    for loss, step_sizes in EDGES.items():
        for n, k in sizes:
            length = steps // 2 if n >= 10_000 else steps
            *smaller, edge = (edge_start(n, k, loss, eta, length) for eta in step_sizes)
            others = {f"η = {state.step_size:g}": state for state in smaller}
            rows[f"{loss} ({n}, {k})"] = row = compare(edge, peers, turn_seconds, others)
            show(f"{loss} ({n}, {k})", row)
    return rows


def show(name: str, row: dict[str, float | str]) -> None:
    print(
        name,
        {key: cell if isinstance(cell, str) else round(cell, 2) for key, cell in row.items()},
        flush=True,
    )


def variants(turn_seconds: float) -> dict[str, dict[str, float]]:
    table = {}
    for n, k in SIZES[1:4]:
        state = start(n, k)
        times = turns({name: engine(state, **options) for name, options in VARIANTS.items()}, turn_seconds)
        table[f"({n}, {k})"] = {name: t / times["gradient descent"] for name, t in times.items()}
    return table


def curvature(edge_steps: int) -> dict[str, dict[str, float]]:
    """Cost of λ_max at (30, 1000) in plain steps, in the states of both tables."""
    states = {f"square, η = {STEP_SIZE:g}, early": start(*SIZES[1])}
    for loss, (calm, *_, edge) in EDGES.items():
        states |= {
            f"{loss}, η = {eta:g}": edge_start(*SIZES[1], loss, eta, edge_steps) for eta in (calm, edge)
        }
    return {name: _sharpness(state) for name, state in states.items()}


def _sharpness(state: State) -> dict[str, float]:
    """Measure as training does: warm from the eigenvector of 100 steps before, and cold."""
    problem = ss.Problem(state.inputs, state.labels, "logistic" if state.logistic else "square")
    later = state.theta.copy()
    descend(state, later, 100, logistic=state.logistic)
    line = ss.objectives.line(problem, ss.TwoLayerReLU.random(state.width))
    earlier, exact = line.sharpness(state.theta).vector, line.sharpness(later, tolerance=1e-12).value
    calls: dict[str, Callable[[], object]] = {
        "warm": lambda: line.sharpness(later, start=earlier),
        "cold": lambda: line.sharpness(later),
        "growing basis": lambda: largest_eigenpair(line.hessian(later), earlier),
    }
    methods = {name: _repeat(call) for name, call in calls.items()} | {"step": engine(state)}
    times, warm = samples(methods, 0.1), line.sharpness(later, start=earlier)
    step = min(times["step"])
    return {
        "step, µs": 1e6 * step,
        "warm": min(times["warm"]) / step,
        "warm, mean": float(np.mean(times["warm"]) / np.mean(times["step"])),
        "cold": min(times["cold"]) / step,
        "growing basis": min(times["growing basis"]) / step,
        "products": warm.products,
        "error": abs(warm.value / exact - 1),
    }


def _repeat(call: Callable[[], object]) -> Advance:
    def advance(times: int) -> float:
        for _ in range(times):
            call()
        return 0.0

    return advance


def threads() -> dict[str, float]:
    """Measure steps a second of wall time, independent runs on 1, 2, ... threads at (30, 1000)."""
    state = start(*SIZES[1])
    steps, advance, rates = 40_000, engine(state), {}
    for workers in sorted({1, 2, os.cpu_count() or 1}):
        with ThreadPoolExecutor(workers) as pool:
            best = np.inf
            for _ in range(5):
                begin = time.perf_counter()
                list(pool.map(advance, [steps] * workers))
                best = min(best, time.perf_counter() - begin)
        rates[str(workers)] = workers * steps / best
    return rates


def machine() -> dict[str, object]:
    packages = ("numpy", "numba", "torch", "jax")
    return {
        "processor": _processor(),
        "cores": os.cpu_count(),
        "load at the start": round(os.getloadavg()[0], 1),
        "python": platform.python_version(),
        **{name: _version(name) for name in packages},
    }


def _version(name: str) -> str:
    try:
        return version(name)
    except PackageNotFoundError:
        return "not installed"


def _processor() -> str:
    try:
        lines = Path("/proc/cpuinfo").read_text().splitlines()
        return next(line.split(":")[1].strip() for line in lines if line.startswith("model name"))
    except (OSError, StopIteration):
        return platform.processor() or platform.machine()


def markdown(result: dict) -> str:
    names = ["stepscape", *result["peers"]]
    lines = ["# CPU time of a training step", ""]
    lines += [
        "`python benchmarks/engine.py`: microseconds of CPU a step and a run, one thread, float64, step size",
        f"{STEP_SIZE}, from the same weights ({BURN_IN} steps after a mean-field start); in brackets the",
        f"time relative to stepscape. The loss after {CHECK_STEPS} steps (2 at the largest size) agrees to",
        f"{TOLERANCE:g} relative. vmap: {BATCH} step sizes at once, time divided by {BATCH}. Dead neurons",
        "are kept. Fastest of several turns.",
        "",
        "; ".join(f"{key} {value}" for key, value in result["machine"].items()) + ".",
        "",
        "| (n, k) | " + " | ".join(names) + " |",
        "|---" * (len(names) + 1) + "|",
    ]
    for size, row in result["steps"].items():
        cells = [_cell(row.get(name, "–"), row["stepscape"], name) for name in names]
        lines.append(f"| {size} | " + " | ".join(cells) + " |")
    lines += edge_lines(result["edges"], result["peers"])
    targets = "at most 1.5; logistic loss, n exponentials a step, at most 2 at (200, 400)"
    lines += ["", f"Time of a step of each variant relative to gradient descent (target: {targets}):", ""]
    sizes = list(result["variants"])
    lines += ["| variant | " + " | ".join(sizes) + " |", "|---" * (len(sizes) + 1) + "|"]
    for name in VARIANTS:
        row = " | ".join(f"{result['variants'][size][name]:.2f}" for size in sizes)
        lines.append(f"| {name} | {row} |")
    lines += curvature_lines(result["curvature"])
    lines += [
        "",
        "Independent runs on threads at (30, 1000), wall time (honest only on an idle machine):",
        "",
    ]
    lines += ["| threads | steps per second |", "|---|---|"]
    lines += [f"| {count} | {rate:,.0f} |" for count, rate in result["threads"].items()]
    return "\n".join(lines) + "\n"


def edge_lines(rows: dict[str, dict], peers: list[str]) -> list[str]:
    """Write the table of states at the edge."""
    lines = [
        "",
        "After training at the step size that is timed (square loss: tent on [-3, 3], mean-field start × 6,",
        "warm-up; logistic loss: [-1, 1], PyTorch's start), beside the engine at smaller ones. Peers are at",
        f"step size {EDGES['square'][-1]:g} (square) or {EDGES['logistic'][-1]:g} (logistic); cost:",
        "stepscape there relative to step size 0.01 (target: at most 1.5):",
        "",
    ]
    names = ["0.01", "0.3 or 0.4", "stepscape", "cost", *peers]
    lines += ["| loss (n, k) | " + " | ".join(names) + " |", "|---" * (len(names) + 1) + "|"]
    for name, row in rows.items():
        edge = row["stepscape"]
        calm, middle = (cell for key, cell in row.items() if key.startswith("η"))
        cells = [f"{calm:.3g}", f"{middle:.3g}", f"{edge:.3g}", f"{edge / calm:.2f}"]
        cells += [_cell(row.get(peer, "–"), edge, peer) for peer in peers]
        lines.append(f"| {name} | " + " | ".join(cells) + " |")
    return lines


def curvature_lines(rows: dict[str, dict[str, float]]) -> list[str]:
    """Write the table of λ_max."""
    lines = [
        "",
        "λ_max at (30, 1000) as training measures it, in plain steps of the same state (target: warm at most",
        "25, error at most 1e-8). Warm: from the eigenvector of 100 steps before and a second, generic",
        "start, the verifying product included. Growing basis: the general search, from the first start.",
        "",
        "| state | step, µs | warm | warm, mean | cold | growing basis | products | error |",
        "|---|---|---|---|---|---|---|---|",
    ]
    for state, row in rows.items():
        lines.append(f"| {state} | " + " | ".join(f"{cell:.3g}" for cell in row.values()) + " |")
    return lines


def _cell(value: float | str, unit: float, name: str) -> str:
    if isinstance(value, str):
        return value
    number = f"{value:,.3g}" if value < 1000 else f"{value:,.0f}"
    return number if name == "stepscape" else f"{number} ({value / unit:,.3g}×)"


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--quick", action="store_true", help="three sizes, short turns, no torch.compile")
    parser.add_argument("--peers", nargs="*", choices=PEERS, help="which peers; none given after it: none")
    parser.add_argument("--no-write", action="store_true", help="print only")
    options = parser.parse_args()
    peers = list(PEERS) if options.peers is None else options.peers
    if options.quick:
        peers = [name for name in peers if name != "torch.compile"]
    turn_seconds = 0.03 if options.quick else TURN_SECONDS
    _single_thread_torch()
    result: dict = {"machine": machine(), "peers": peers, "steps": {}}
    sizes, edge_steps = (SIZES[:3], EDGE_STEPS // 10) if options.quick else (SIZES, EDGE_STEPS)
    for n, k in sizes:
        result["steps"][f"({n}, {k})"] = row = compare(start(n, k), peers, turn_seconds)
        show(f"({n}, {k})", row)
    result["edges"] = edges(sizes, peers, turn_seconds, edge_steps)
    result |= {"variants": variants(turn_seconds), "curvature": curvature(edge_steps), "threads": threads()}
    if not options.no_write:
        RESULTS.mkdir(exist_ok=True)
        (RESULTS / "engine.json").write_text(json.dumps(result, indent=1) + "\n")
        (RESULTS / "engine.md").write_text(markdown(result))
    print(markdown(result))


def _single_thread_torch() -> None:
    try:
        import torch
    except ImportError:
        return
    torch.set_num_threads(1)


if __name__ == "__main__":
    main()
