"""Problems and networks with inputs in R^d, and autograd and SGD of torch as their oracle."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import torch

import oracles as ref
import stepscape as ss

BLOCKS = ref.BLOCKS


def noisy_plane(n=40, d=3, seed=0, weighted=False, loss="square"):
    rng = np.random.default_rng([seed, n, d])
    x = rng.standard_normal((n, d)) + 0.3
    y = np.sin(2.0 * x[:, 0]) + 0.5 * rng.standard_normal(n)
    weights = None
    if weighted:
        weights = rng.exponential(size=n)
        weights[:: max(2, n // 5)] = 0.0
    return ss.Problem(x, y if loss == "square" else np.sign(y), loss, weights=weights)


def plane_network(k=30, d=3, seed=0, scale=0.7, trainable=BLOCKS):
    """Random parameters, frozen ones included: a frozen bias need not be zero."""
    rng = np.random.default_rng([seed, k, d, 7])
    w1 = scale / np.sqrt(d) * rng.standard_normal((k, d))
    b1, w2 = scale * rng.standard_normal(k), scale * rng.standard_normal(k) / np.sqrt(k)
    return ss.TwoLayerReLU(w1, b1, w2, 0.1, trainable)


def split(theta, d):
    """Return w1 (k, d), b1, w2, b2 of a flat tensor or array."""
    k = (len(theta) - 1) // (d + 2)
    return theta[: k * d].reshape(k, d), theta[k * d : k * (d + 1)], theta[k * (d + 1) : -1], theta[-1]


def torch_loss(problem):
    """The loss as a function of a flat tensor."""
    x, y = torch.tensor(problem.points), torch.tensor(problem.labels)
    weights = np.ones(problem.size) if problem.weights is None else problem.weights
    v = torch.tensor(weights / weights.sum())

    def loss(w1, b1, w2, b2):
        f = torch.relu(x @ w1.T + b1) @ w2 + b2
        terms = (
            0.5 * (f - y) ** 2
            if problem.loss == "square"
            else torch.nn.functional.softplus(-y * f, threshold=500.0)
        )
        return (v * terms).sum()

    return loss


def flat_loss(problem):
    loss = torch_loss(problem)
    return lambda theta: loss(*split(theta, problem.dimension))


def dense_hessian(problem, net):
    """∇²L on all coordinates by autograd."""
    return torch.autograd.functional.hessian(flat_loss(problem), torch.tensor(net.parameters)).numpy()


def torch_gradient(problem, net):
    theta = torch.tensor(net.parameters, requires_grad=True)
    flat_loss(problem)(theta).backward()
    return theta.grad.numpy()


def preactivations(problem, theta):
    w1, b1, _, _ = split(theta, problem.dimension)
    return problem.points @ w1.T + b1


@dataclass
class TorchRun:
    theta: np.ndarray
    before: np.ndarray
    switches: int
    losses: list[float]
    cut: int  # steps whose gradient was clipped


def torch_run(problem, net, method, first_step_size):
    """Full-batch ``torch.optim.SGD`` on the trained blocks; `method` as in stepscape."""
    d, loss = problem.dimension, torch_loss(problem)
    blocks = [torch.tensor(block, requires_grad=True) for block in split(net.parameters, d)]
    kept = [name in net.trainable for name in BLOCKS]
    spared = ("b2",) if method.decay_biases else ("b1", "b2")
    groups = [
        {"params": [block], "weight_decay": 0.0 if name in spared else method.weight_decay}
        for name, block, trained in zip(BLOCKS, blocks, kept, strict=True)
        if trained
    ]
    options = {"momentum": method.momentum, "nesterov": method.nesterov}
    optimizer = torch.optim.SGD(groups, lr=1.0, **options)
    etas = ref.geometric(first_step_size, method.step_size, method.warmup_steps, method.steps)

    def flat():
        return torch.cat([block.detach().reshape(-1) for block in blocks]).numpy()

    switches, cut, losses, before = 0, 0, [], flat()
    active = preactivations(problem, before) > 0
    for eta in etas:
        before = flat()
        for group in optimizer.param_groups:
            group["lr"] = float(eta)
        optimizer.zero_grad()
        value = loss(*blocks)
        losses.append(value.item())
        value.backward()
        if method.clip is not None:
            trained = [block for block, moves in zip(blocks, kept, strict=True) if moves]
            cut += float(torch.nn.utils.clip_grad_norm_(trained, method.clip)) > method.clip
        optimizer.step()
        now = preactivations(problem, flat()) > 0
        switches += int(np.sum(now != active))
        active = now
    losses.append(loss(*blocks).item())
    return TorchRun(flat(), before, switches, losses, cut)


def shifts(net, weight_decay=0.0, decay_biases=True, **_):
    """What weight decay adds to the diagonal of the Hessian ((d + 2)k + 1,)."""
    k = net.width
    return weight_decay * np.repeat([1.0, float(decay_biases), 1.0, 0.0], [net.dimension * k, k, k, 1])


def plane_edge(problem, net, method, fraction):
    """A step size at a fraction of the stability threshold of the start; see `cases.edge`."""
    h = dense_hessian(problem, net) + np.diag(shifts(net, **method))
    top = np.linalg.eigvalsh(h[np.ix_(net.trained, net.trained)])[-1]
    return fraction * ss.GradientDescent(1.0, 1, **method).threshold() / max(top, 0.2)
