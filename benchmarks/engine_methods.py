"""CPU time of a step of the methods beyond descent, beside the same steps written in PyTorch.

Usage: python benchmarks/engine_methods.py [--quick] [--no-write]; writes results/engine_methods.{md,json}.

Every method starts from the same weights, trained by descent to the edge of stability, in float64, on one
thread; methods take turns and the fastest turn of each counts. All draw their batches and noise from the same
generator, within the time. Before it is timed, a peer must reach the loss of stepscape. Steps are so short
that no run leaves the state: what a step costs depends on which neurons are active, not on its length.
"""

from __future__ import annotations

import argparse
import json
from collections.abc import Callable

import numpy as np

import stepscape as ss
from engine import (
    CHECK_STEPS,
    RESULTS,
    TOLERANCE,
    TURN_SECONDS,
    TURNS,
    _cell,
    _single_thread_torch,
    cpu,
    edge_start,
    machine,
    settle,
    show,
)
from engine_methods_peers import PEERS, Steps
from engine_peers import State
from stepscape.objectives.descent import State as Place

SIZES = [(30, 100), (200, 400), (1000, 1000)]
EDGE_STEP_SIZE, EDGE_STEPS = 0.3, 30_000  # of descent before the timing; a tenth when in a hurry
STEP_SIZE, MOST_STEPS = 1e-4, 2**40
METHODS: dict[str, Callable[[], object]] = {
    "SGD, 1 example": lambda: ss.methods.StochasticGradientDescent(STEP_SIZE, MOST_STEPS, 1),
    "SGD, 16 examples": lambda: ss.methods.StochasticGradientDescent(STEP_SIZE, MOST_STEPS, 16),
    "SGD, 16 with replacement": lambda: ss.methods.StochasticGradientDescent(STEP_SIZE, MOST_STEPS, 16, True),
    "label noise": lambda: ss.methods.LabelNoise(STEP_SIZE, MOST_STEPS),
    "SAM": lambda: ss.methods.SharpnessAware(STEP_SIZE, MOST_STEPS),
    "trace penalty": lambda: ss.methods.TracePenalty(STEP_SIZE, MOST_STEPS),
    "gradient descent": lambda: ss.GradientDescent(STEP_SIZE, MOST_STEPS),
}


def engine(state: State, method: object) -> Steps:
    """Make the steps as training does; a new objective each time, so that no draw is kept from before."""
    problem, net = ss.Problem(state.inputs, state.labels), ss.TwoLayerReLU.random(state.width)
    clock = ss.GradientDescent(STEP_SIZE, MOST_STEPS)
    plain = isinstance(method, ss.GradientDescent)

    def advance(steps: int) -> np.ndarray:
        made = ss.objectives.line(problem, net) if plain else ss.objectives.with_method(problem, net, method)
        place = Place.at(state.theta)
        while place.steps_made < steps:
            made.descend(place, clock, STEP_SIZE, steps - place.steps_made)
        return place.theta

    return advance


def compare(state: State, name: str, turn_seconds: float) -> dict[str, float | str]:
    """Microseconds per step; a string says why there is no number."""
    method = METHODS[name]()
    ours, row = engine(state, method), {}
    methods, want = {"stepscape": ours}, state.loss(ours(CHECK_STEPS))
    for peer, prepare in PEERS.items():
        try:
            advance = prepare(state, method)
        except ImportError:
            row[peer] = "not installed"
            continue
        loss = state.loss(advance(CHECK_STEPS))
        if not abs(loss - want) <= TOLERANCE * want:
            row[peer] = f"other loss ({abs(loss / want - 1):.0e})"
            continue
        methods[peer] = advance
    return row | {peer: 1e6 * seconds for peer, seconds in fastest(methods, turn_seconds).items()}


def fastest(methods: dict[str, Steps], turn_seconds: float) -> dict[str, float]:
    """CPU seconds per step in the fastest of several turns of many steps: first draws count little."""
    steps, found = dict.fromkeys(methods, 32), dict.fromkeys(methods, np.inf)
    for name, advance in methods.items():
        while cpu(advance, steps[name]) < turn_seconds:
            steps[name] *= 2
    for _ in range(TURNS):
        for name, advance in methods.items():
            settle()
            found[name] = min(found[name], cpu(advance, steps[name]) / steps[name])
    return found


def edge_ratio(state: State) -> float:
    net = ss.TwoLayerReLU.random(state.width).with_parameters(state.theta)
    found = ss.objectives.rough_sharpness(ss.Problem(state.inputs, state.labels), net)
    return found * EDGE_STEP_SIZE / 2.0


def markdown(result: dict) -> str:
    ratios = ", ".join(f"{size}: {ratio:.2f}" for size, ratio in result["edge ratios"].items())
    lines = [
        "# CPU time of a step of the other methods",
        "",
        "`python benchmarks/engine_methods.py`: microseconds of CPU per step, one thread, float64, from the",
        f"weights that descent has after {result['edge steps']:,} steps at η = {EDGE_STEP_SIZE} (tent on",
        f"[-3, 3], warm-up; sharpness of the last iterate over 2/η: {ratios}); in brackets the time",
        "relative to stepscape. Batches and noise are drawn within the time, by the same generator for all.",
        f"The loss after {CHECK_STEPS} steps agrees to {TOLERANCE:g} relative. Fastest of several turns. The",
        "methods sum over all pairs of an example and a neuron, unlike descent (last rows), whose step",
        "costs O(n + k).",
        "",
        "; ".join(f"{key} {value}" for key, value in result["machine"].items()) + ".",
        "",
        "| method, (n, k) | stepscape | " + " | ".join(PEERS) + " |",
        "|---" * (len(PEERS) + 2) + "|",
    ]
    for name, row in result["steps"].items():
        cells = [_cell(row[peer], row["stepscape"], peer) for peer in ("stepscape", *PEERS)]
        lines.append(f"| {name} | " + " | ".join(cells) + " |")
    return "\n".join(lines) + "\n"


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--quick", action="store_true", help="two sizes, short turns")
    parser.add_argument("--no-write", action="store_true", help="print only")
    options = parser.parse_args()
    _single_thread_torch()
    sizes, steps = (SIZES[:2], EDGE_STEPS // 10) if options.quick else (SIZES, EDGE_STEPS)
    states = {f"({n}, {k})": edge_start(n, k, "square", EDGE_STEP_SIZE, steps) for n, k in sizes}
    result: dict = {
        "machine": machine(),
        "edge steps": steps,
        "edge ratios": {size: edge_ratio(state) for size, state in states.items()},
        "steps": {},
    }
    for name in METHODS:
        for size, state in states.items():
            row = compare(state, name, 0.03 if options.quick else TURN_SECONDS)
            result["steps"][f"{name}, {size}"] = row
            show(f"{name}, {size}", row)
    if not options.no_write:
        RESULTS.mkdir(exist_ok=True)
        (RESULTS / "engine_methods.json").write_text(json.dumps(result, indent=1) + "\n")
        (RESULTS / "engine_methods.md").write_text(markdown(result))
    print(markdown(result))


if __name__ == "__main__":
    main()
