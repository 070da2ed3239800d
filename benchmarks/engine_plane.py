"""CPU time of a training step in R^d and of curvature, beside other ways to write the same descent.

Usage: python benchmarks/engine_plane.py [--quick] [--peers NAME ...] [--no-write]; writes
results/engine_plane.{md,json}.

Every method starts from the same weights, trained at the step size that is timed, in float64, on one thread.
Methods take turns and the fastest turn of each counts; a product of two square matrices takes its turns with
them. Before it is timed, a method must reach the engine's loss.
"""

from __future__ import annotations

import argparse
import json

import numpy as np

import stepscape as ss
from engine import CHECK_STEPS, RESULTS, TOLERANCE, _cell, _repeat, _single_thread_torch, machine, show, turns
from engine_plane_peers import PEERS, Advance, PlaneState
from stepscape.kernels import relu_plane
from stepscape.objectives.relu_plane_sharpness import plane_top_from

SIZES = [(128, 10, 512), (512, 10, 2048), (1000, 50, 1000), (256, 2, 1000)]
TARGETS = {(128, 10, 512): 9.0, (512, 10, 2048): 3.6, (1000, 50, 1000): 1.7, (256, 2, 1000): 12.0}
STEP_SIZE, START = 0.5, 2.0  # the largest sharpness of a start: half the threshold
EDGE_STEPS = 2000  # before the timing; a fifth when in a hurry
GEMM = 1500  # rows of the square matrices whose product shows the peak
TURN_SECONDS = 0.15


def edge_state(n: int, d: int, k: int, steps: int) -> tuple[PlaneState, float]:
    """Train on a noisy linear function in the ball from a start below the edge; also the edge ratio."""
    problem = ss.problems.ball(n=n, dimension=d, noise=1.0, seed=0)
    net, scale = None, 1.0
    while net is None or ss.objectives.rough_sharpness(problem, net) > START:
        net = ss.TwoLayerReLU.random(k, scale, "he", 0, dimension=d)
        scale *= 0.9
    method = ss.GradientDescent(STEP_SIZE, steps)
    run = ss.train(problem, net, method, record_every=steps, measure_sharpness=False)
    ratio = ss.objectives.rough_sharpness(problem, run.midpoint) * STEP_SIZE / 2.0
    return PlaneState(problem.points, problem.labels, run.network.parameters, STEP_SIZE), ratio


def engine(state: PlaneState) -> Advance:
    """Run the engine's kernel, without leaving dead neurons out."""
    n, points = state.sizes[0], state.points

    def advance(steps: int) -> float:
        theta = state.theta.copy()
        return relu_plane.descend(
            theta, np.zeros_like(theta), theta.copy(), points, state.labels, np.full(n, 1.0 / n), False,
            np.ones(4), np.zeros(4), 0.0, 0.0, np.inf, state.step_size, state.step_size, 0, 0, steps,
        )[2]  # fmt: skip

    return advance


def gemm() -> Advance:
    """Products of two square matrices."""
    a, b = np.random.default_rng(0).standard_normal((2, GEMM, GEMM))
    return _repeat(lambda: a @ b)


def curvature(state: PlaneState) -> dict[str, Advance]:
    """Products with the Hessian, and λ_max from the eigenvector of ten steps before, as calls."""
    _, d, k = state.sizes
    problem = ss.Problem(state.inputs, state.labels)
    like = ss.TwoLayerReLU.random(k, dimension=d)
    after = ss.train(problem, like.with_parameters(state.theta), ss.GradientDescent(STEP_SIZE, 10))
    plane = ss.objectives.plane(problem, like)
    vector = plane_top_from(plane.hessian(state.theta), tolerance=1e-4).vector
    here, later = plane.hessian(state.theta), after.network.parameters
    here.product(vector)
    return {
        "product": _repeat(lambda: here.product(vector)),
        "λ_max warm": _repeat(lambda: plane_top_from(plane.hessian(later), vector, 1e-4)),
        "λ_max two-sided": _repeat(lambda: plane.sharpness(later, start=vector)),
    }


def compare(state: PlaneState, peers: list[str], turn_seconds: float) -> dict[str, float | str]:
    """Microseconds a step; a string says why there is no number."""
    n, d, k = state.sizes
    row: dict[str, float | str] = {}
    methods = {"stepscape": engine(state), "GEMM": gemm()}
    want = methods["stepscape"](CHECK_STEPS)
    for name in peers:
        try:
            advance = PEERS[name](state)
            loss = advance(CHECK_STEPS)
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
    times = turns(methods | curvature(state), turn_seconds)
    row |= {name: 1e6 * seconds for name, seconds in times.items() if name in methods}
    step = times["stepscape"]
    row |= {f"{name}, steps": times[name] / step for name in times if name not in methods}
    peak = 2.0 * GEMM**3 / times["GEMM"]
    row |= {"peak, GFlop/s": 1e-9 * peak, "share of peak": 4.0 * n * (d + 1) * k / step / peak}
    return row


def markdown(result: dict) -> str:
    """Write the tables."""
    peers = result["peers"]
    lines = [
        "# CPU time of a training step in R^d",
        "",
        "`python benchmarks/engine_plane.py`: microseconds of CPU time per step, one thread, float64,",
        f"square loss, after {result['steps']} steps at the step size {STEP_SIZE:g} that is timed; in",
        f"brackets the time relative to stepscape. The loss after {CHECK_STEPS} steps agrees to",
        f"{TOLERANCE:g} relative. Dead neurons are kept. Fastest of several turns. Target: how many times",
        "slower than stepscape torch autograd should be.",
        "",
        "; ".join(f"{key} {value}" for key, value in result["machine"].items()) + ".",
        "",
        "| (n, d, k) | edge ratio | " + " | ".join(["stepscape", *peers, "target"]) + " |",
        "|---" * (len(peers) + 4) + "|",
    ]
    for size, row in result["rows"].items():
        cells = [_cell(row.get(name, "–"), row["stepscape"], name) for name in ["stepscape", *peers]]
        lines.append(
            f"| {size} | {row['edge ratio']:.2f} | " + " | ".join(cells) + f" | {row['target']:g}× |"
        )
    lines += [
        "",
        f"The product of two matrices of {GEMM} rows in the same turns, and the share of its rate that the",
        "4n(d + 1)k operations per step reach. Then, in steps: a product with the Hessian, its linearization",
        "made before; λ_max to 1e-4 from the eigenvector of ten steps before, linearization included; and",
        "λ_max as it is recorded, from two starts to 1e-8, with a count of eigenvalues (up to 512 inputs).",
        "",
        "| (n, d, k) | peak, GFlop/s | share of peak | product | λ_max warm | λ_max two-sided |",
        "|---|---|---|---|---|---|",
    ]
    columns = (
        "peak, GFlop/s",
        "share of peak",
        "product, steps",
        "λ_max warm, steps",
        "λ_max two-sided, steps",
    )
    for size, row in result["rows"].items():
        lines.append(f"| {size} | " + " | ".join(f"{row[name]:.3g}" for name in columns) + " |")
    return "\n".join(lines) + "\n"


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument(
        "--quick", action="store_true", help="short turns, few steps before, no torch.compile"
    )
    parser.add_argument("--peers", nargs="*", choices=PEERS, help="which peers; none given after it: none")
    parser.add_argument("--no-write", action="store_true", help="print only")
    options = parser.parse_args()
    peers = list(PEERS) if options.peers is None else options.peers
    if options.quick:
        peers = [name for name in peers if name != "torch.compile"]
    steps = EDGE_STEPS // 5 if options.quick else EDGE_STEPS
    _single_thread_torch()
    result: dict = {"machine": machine(), "peers": peers, "steps": steps, "rows": {}}
    for size in SIZES:
        state, ratio = edge_state(*size, steps)
        row = compare(state, peers, TURN_SECONDS / 5 if options.quick else TURN_SECONDS)
        result["rows"][str(size)] = {"edge ratio": ratio, "target": TARGETS[size], **row}
        show(str(size), result["rows"][str(size)])
    if not options.no_write:
        RESULTS.mkdir(exist_ok=True)
        (RESULTS / "engine_plane.json").write_text(json.dumps(result, indent=1) + "\n")
        (RESULTS / "engine_plane.md").write_text(markdown(result))
    print(markdown(result))


if __name__ == "__main__":
    main()
