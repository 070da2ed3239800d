"""Problems and networks the core tests share."""

from __future__ import annotations

import numpy as np

import oracles as ref
import stepscape as ss

EPS = float(np.finfo(float).eps)
STEPS = 300
METHODS = {
    "plain": {},
    "heavy ball": {"momentum": 0.9},
    "Nesterov": {"momentum": 0.9, "nesterov": True},
    "decay": {"weight_decay": 0.02},
    "heavy ball, decay": {"momentum": 0.7, "weight_decay": 0.02},
    "Nesterov, decay": {"momentum": 0.7, "nesterov": True, "weight_decay": 0.02},
    "warm-up": {"warmup_steps": 120},
    "heavy ball, decay, warm-up": {"momentum": 0.8, "weight_decay": 0.02, "warmup_steps": 120},
    "Nesterov, warm-up": {"momentum": 0.8, "nesterov": True, "warmup_steps": 120},
}


def noisy(n=30, seed=0, weighted=False, repeats=False, half_width=2.0, loss="square"):
    """Unsorted inputs, optionally repeated, labels with noise, optionally weights with zeros among them.

    For the logistic loss the signs of those labels.
    """
    rng = np.random.default_rng([seed, n])
    x = half_width * rng.uniform(-1, 1, n)
    if repeats and n > 3:
        x[n // 2 :] = rng.choice(x[: n // 2], n - n // 2)
    y = np.sin(3 * x) + 0.5 * rng.standard_normal(n)
    weights = None
    if weighted:
        weights = rng.exponential(size=n)
        weights[:: max(2, n // 5)] = 0.0
    return ss.Problem(x, y if loss == "square" else np.sign(y), loss, weights=weights)


def network(k=40, seed=0, scale=0.7, trainable=ref.BLOCKS):
    """Random parameters, frozen ones included: a frozen bias need not be zero."""
    rng = np.random.default_rng([seed, k, 7])
    w1, b1 = scale * rng.standard_normal((2, k))
    w2 = scale * rng.standard_normal(k) / np.sqrt(k)
    return ss.TwoLayerReLU(w1, b1, w2, 0.1, trainable)


def dense(problem):
    """The same data for the reference."""
    return ref.data(problem.inputs, problem.labels, problem.weights, problem.loss == "logistic")


def edge(problem, net, method, fraction=None):
    """A step size at a fraction of the stability threshold of the starting point.

    Near 1 rounding errors themselves grow: at .9 with momentum .9 a relative change of 1e-12 in the start
    became 5e-5 within 300 steps of the dense reference, so that no two programs agree. At these fractions it
    grows less than a hundredfold.
    """
    if fraction is None:
        fraction = 0.3 if method.get("momentum", 0.0) >= 0.8 else 0.6
    d = dense(problem)
    decayed = np.ones(net.parameters.size)
    decayed[-1] = 0.0
    h = ref.hessian(net.parameters, d) + method.get("weight_decay", 0.0) * np.diag(decayed)
    top = np.linalg.eigvalsh(h[np.ix_(net.trained, net.trained)])[-1]
    return fraction * ss.GradientDescent(1.0, 1, **method).threshold() / max(top, 0.2)


def train(problem, net, step_size, steps=300, **options):
    method = ss.GradientDescent(step_size, steps, **options)
    return ss.train(problem, net, method, record_every=steps, measure_sharpness=False)


def reference_run(problem, net, run):
    """The dense run with the same method; a warm-up starts from the step size the run recorded."""
    m = run.method
    step_sizes = ref.geometric(run.step_size[0], m.step_size, m.warmup_steps, m.steps)
    trained = ref.mask(net.width, net.trainable)
    return ref.descend(
        net.parameters, dense(problem), trained, step_sizes, m.momentum, m.nesterov, m.weight_decay
    )


def assert_same_path(run, expected, tolerance=1e-11):
    """Both last iterates agree to a multiple of the largest parameter, losses to one of the first."""
    scale = max(np.abs(expected.theta).max(), np.abs(expected.before).max())
    np.testing.assert_allclose(run.network.parameters, expected.theta, rtol=0, atol=tolerance * scale)
    np.testing.assert_allclose(run.network_before.parameters, expected.before, rtol=0, atol=tolerance * scale)
    assert abs(run.loss[-1] - expected.losses[-1]) <= tolerance * max(expected.losses[0], expected.losses[-1])


def check(problem, net, method, fraction=None, switches=1, steps=STEPS):
    run = train(problem, net, edge(problem, net, method, fraction), steps, **method)
    assert run.outcome == "finished", run.message
    expected = reference_run(problem, net, run)
    assert expected.switches >= switches, "the step size is too small to test activation changes"
    assert_same_path(run, expected)
    return run


def path(run):
    return np.concatenate([run.network.parameters, run.network_before.parameters, run.loss])
