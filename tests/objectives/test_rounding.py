"""No number is wrong without saying so: stiff, cancelling and extreme networks against rational arithmetic.

``python tests/objectives/test_rounding.py 10000`` tries so many cases and prints a table.
"""

from __future__ import annotations

import math
import sys
import warnings
from collections import Counter
from collections.abc import Iterator
from fractions import Fraction

import numpy as np
import pytest

import stepscape as ss
from stepscape.objectives import Hessian
from stiff_networks import KINDS, StiffCase, draw

HUGE, TINY = Fraction(2) ** 1024, Fraction(2) ** -1074
RIGHT, REFUSED = "right", "refused"


def off(value: float, exact: Fraction) -> Fraction:
    return abs(Fraction(float(value)) - exact)


def norm(numbers) -> Fraction:
    """Bound on the Euclidean norm, at most √size too large."""
    return sum((abs(Fraction(t)) for t in numbers), Fraction(0))


def scalar(value: float, error: float, exact: Fraction, promise: float, floor: Fraction = TINY) -> str:
    """The value is off by at most its error, and that is at most its promise, but for underflow."""
    if not (math.isfinite(value) and error >= 0.0):
        return f"{value} ± {error}"
    if off(value, exact) > Fraction(error) + TINY:
        return f"{value} ± {error} for {float(exact)}"
    kept = promise == math.inf or error <= promise * abs(value) or Fraction(error) <= floor
    return RIGHT if kept else f"{value} ± {error} promises too little"


def together(values, errors, exacts, promise: float, floor: Fraction = TINY) -> str:
    found = (scalar(*one, promise, floor) for one in zip(values, errors, exacts, strict=True))
    return next((one for one in found if one != RIGHT), RIGHT)


def predictions(case: StiffCase, h: Hessian) -> str:
    return together(h.predictions, h.predictions_error, case.exact.predictions, 1.001e-10, 4 * TINY)


def predict(case: StiffCase, _: Hessian) -> str:
    found = case.network.predict(case.problem.line.inputs)
    errors = 1.001e-10 * np.abs(found) + 2.0**-1074
    return together(found, errors, case.exact.predictions, 1.01e-10, 4 * TINY)


def loss(case: StiffCase, h: Hessian) -> str:
    return scalar(h.loss, h.loss_error, case.exact.loss, 1e-9, 8 * TINY)


def gradient(case: StiffCase, h: Hessian) -> str:
    """Each number within its error; all errors together 1e-9 of the terms that are summed up."""
    allowed = Fraction(1, 10**9) * norm(case.exact.gradient_terms) + underflow(case)
    allowed += 16 * h.size * TINY + Fraction(2) ** -1036 * sum(abs(r) for row in case.exact.rows for r in row)
    if norm(h.gradient_error) > allowed:
        return f"errors {float(norm(h.gradient_error))} where {float(allowed)} is allowed"
    return together(h.gradient, h.gradient_error, case.exact.gradient, math.inf)


def trace(case: StiffCase, h: Hessian) -> str:
    return scalar(h.trace, h.trace_error, case.exact.trace, 1e-9, underflow(case))


def underflow(case: StiffCase) -> Fraction:
    """What subnormal slopes and curvatures may cost: a subnormal number times |∂f|, |∂f|² at all inputs."""
    squares = sum((r * r + abs(r) for row in case.exact.rows for r in row), Fraction(1))
    return 8 * TINY * squares if case.exact.logistic else 8 * TINY


def product(case: StiffCase, h: Hessian) -> str:
    """‖H·u - exact‖ is at most 1e-8 of tr G + ‖R‖ ≥ ‖H‖ for a unit vector u."""
    u = np.random.default_rng(1).standard_normal(h.size)
    u /= np.linalg.norm(u)
    found, exact = h.product(u), case.exact.product(u)
    if not np.isfinite(found).all():
        return f"{found}"
    allowed = Fraction(1, 10**8) * case.exact.size + underflow(case)
    error = norm(Fraction(float(f)) - e for f, e in zip(found, exact, strict=True))
    return RIGHT if error <= allowed else f"product off by {float(error)} of {float(case.exact.size)}"


def sharpness(case: StiffCase, _: Hessian, decay: float = 0.0, gauss_newton: bool = False) -> str:
    """Between its two sides, and right to the residual and 1e-10 of tr G + ‖R‖ + decay ≥ ‖H‖."""
    options = {"gauss_newton": gauss_newton, "weight_decay": decay}
    pair = ss.sharpness(case.problem, case.network, **options)
    if not (math.isfinite(pair.value) and math.isfinite(pair.residual)):
        return f"{pair}"
    exact = case.exact.sharpness(decay, gauss_newton)
    digits = abs(exact) / 10**40 + TINY
    if pair.upper == math.inf or not Fraction(pair.lower) - digits <= exact <= Fraction(pair.upper) + digits:
        return f"{pair}, between {pair.lower} and {pair.upper}, for {float(exact)}"
    allowed = Fraction(1, 10**10) * (case.exact.size + Fraction(decay)) + TINY
    return (
        RIGHT if off(pair.value, exact) <= Fraction(pair.residual) + allowed else f"{pair} for {float(exact)}"
    )


def training(case: StiffCase, _: Hessian) -> str:
    """One step is θ - η∇L but for the rounding of θ, and its loss is right to 1e-6.

    ∇L is right to 1e-6, and to 1e-8 of what it would be if residuals were as large as labels.
    """
    size = float(case.exact.size)
    eta = min(0.5 / size, 1e300) if size > 0.0 else 1.0
    run = ss.train(case.problem, case.network, ss.GradientDescent(eta, 1), 1, measure_sharpness=False)
    if not np.isfinite(run.loss).all():
        return f"losses {run.loss}"
    g = case.exact.gradient
    if run.outcome == "diverged":
        return REFUSED if blew_up(case, eta) else run.message
    allowed = Fraction(eta) * (Fraction(1, 10**6) * norm(g) + Fraction(1, 10**8) * case.exact.steepest)
    for before, after, slope in zip(case.network.parameters, run.network.parameters, g, strict=True):
        rounding = (
            Fraction(2) ** -51 * (abs(Fraction(float(before))) + Fraction(eta) * abs(slope)) + 10**6 * TINY
        )
        if off(after, Fraction(float(before)) - Fraction(eta) * slope) > allowed + rounding:
            return f"{before} became {after}"
    exact = StiffCase(case.kind, case.problem, run.network).exact.loss
    close = off(run.loss[-1], exact) <= Fraction(1, 10**6) * exact + 8 * TINY
    return RIGHT if close else f"loss {run.loss[-1]} for {float(exact)}"


def blew_up(case: StiffCase, eta: float) -> bool:
    """Whether the exact step leads beyond the range of float64, or to a loss 1e8 times as large."""
    pairs = zip(case.network.parameters, case.exact.gradient, strict=True)
    after = [Fraction(float(start)) - Fraction(eta) * slope for start, slope in pairs]
    if max(map(abs, after)) > HUGE / 1000:
        return True
    there = case.network.with_parameters([float(t) for t in after])
    return StiffCase(case.kind, case.problem, there).exact.loss > 10**8 * case.exact.loss


MEASURES = (predictions, predict, loss, gradient, trace, product, training, sharpness)


def verdicts(seed: int, eigenvalues: bool) -> Iterator[tuple[str, str, str]]:
    """Kind, measure, and `RIGHT`, `REFUSED` or what is wrong, of one case."""
    try:
        case = draw(np.random.default_rng([seed, 11]))
    except ss.InputError:  # a parameter beyond the range
        return
    h = Hessian(case.problem, case.network)
    for measure in MEASURES if eigenvalues else MEASURES[:-1]:
        try:
            yield case.kind, measure.__name__, measure(case, h)
        except ss.InputError as refusal:
            told = "must be finite, got a number beyond 1.8e308" in str(refusal)
            yield case.kind, measure.__name__, REFUSED if told and beyond(case) else f"refused: {refusal}"


def beyond(case: StiffCase) -> bool:
    """Whether some number of the case overflows, or comes within three digits of that."""
    exact = case.exact
    numbers = (*exact.predictions, exact.loss, exact.size, norm(exact.gradient), norm(exact.gradient_terms))
    return max(abs(number) for number in numbers) > HUGE / 1000


@pytest.mark.parametrize("part", range(8))
def test_nothing_is_wrong_without_saying_so(part):
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        for seed in range(40 * part, 40 * part + 40):
            for kind, measure, verdict in verdicts(seed, seed % 10 == 0):
                assert verdict in (RIGHT, REFUSED), f"seed {seed}, {kind}, {measure}: {verdict}"


@pytest.mark.parametrize("part", range(6))
def test_eigenvalues_of_few_neurons_with_decay_and_without_residuals(part):
    for seed in range(30 * part, 30 * part + 30):
        rng = np.random.default_rng([seed, 12])
        case = draw(rng, most_inputs=4, most_neurons=2)
        size = float(min(case.exact.size, HUGE / 2**60))
        options = {"gauss_newton": bool(rng.random() < 0.3), "decay": float(rng.choice([0, 0.1, 10])) * size}
        try:
            assert sharpness(case, Hessian(case.problem, case.network), **options) == RIGHT, (seed, options)
        except ss.InputError:
            assert beyond(case)


def main(cases: int, first: int) -> None:
    table: Counter[tuple[str, str, str]] = Counter()
    for seed in range(first, first + cases):
        for kind, measure, verdict in verdicts(seed, seed % 10 == 0):
            known = verdict if verdict in (RIGHT, REFUSED) else "wrong"
            table[kind, measure, known] += 1
            if known == "wrong":
                print(f"seed {seed}, {kind}, {measure}: {verdict}", flush=True)
    print(f"{'':12}" + "".join(f"{m.__name__:>22}" for m in MEASURES) + "   right/refused/wrong")
    for kind in sorted(KINDS):
        counts = (
            "/".join(str(table[kind, m.__name__, w]) for w in (RIGHT, REFUSED, "wrong")) for m in MEASURES
        )
        print(f"{kind:12}" + "".join(f"{count:>22}" for count in counts))
    print("wrong:", sum(n for (_, _, word), n in table.items() if word == "wrong"), "of", sum(table.values()))


if __name__ == "__main__":
    main(int(sys.argv[1]), int(sys.argv[2]) if len(sys.argv) > 2 else 0)


@pytest.mark.parametrize("seed", range(20))
def test_no_bound_is_less_than_the_rounding_of_the_number_itself(seed):
    """A float64 number is off by up to half a unit in its last place, whatever it was computed in."""
    square = ss.problems.tent(n=20, noise=0.5, seed=seed)
    for problem in (square, ss.problems.bernoulli("wave", n=20, seed=seed)):
        at = Hessian(problem, ss.TwoLayerReLU.random(9, scale=3.0, seed=seed))
        numbers = {
            "predictions": (at.predictions, at.predictions_error),
            "loss": (at.loss, at.loss_error),
            "gradient": (at.gradient, at.gradient_error),
            "trace": (at.trace, at.trace_error),
            "blocks of the trace": at.accurate.diagonal,
            "product": at.product_and_error(np.ones(at.size)),
        }
        for name, (values, errors) in numbers.items():
            assert np.all(errors >= 2.0**-53 * np.abs(values)), name
