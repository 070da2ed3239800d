"""Small models in plain PyTorch: fully connected, with residual connections, and with batch normalization."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from stepscape.arguments import whole, word
from stepscape.objectives import TorchLoss
from stepscape.objectives.require_torch import require_torch
from stepscape.problems import Problem

ACTIVATIONS = ("tanh", "gelu", "relu")
MODELS = ("mlp", "residual", "batch-norm")


def model(
    kind: str,
    dimension: int,
    width: int,
    layers: int,
    activation: str = "tanh",
    seed: int = 0,
    bias: bool = True,
) -> Any:
    """Return a model of one output, in float64, from PyTorch's own random start.

    Parameters
    ----------
    kind : one of `MODELS`
        ``mlp`` is linear layers with the activation between them; ``residual`` adds its input to every hidden
        layer after the first, h + φ(W h + b); ``batch-norm`` normalizes the sums of every hidden layer after
        the first over the batch before the activation. In the first layer, one input variable would make all
        neurons alike but for their sign.
    dimension, width, layers : input variables, neurons of a hidden layer, hidden layers.
    activation : one of `ACTIVATIONS`.
    seed : of the start; PyTorch's own random numbers are left as they were.
    bias : False fixes every bias beyond the first hidden layer at 0, also those of normalizations. Those of
        the first layer stay: without them tanh networks of one variable are odd functions.
    """
    torch = require_torch()
    word("kind", kind, MODELS)
    word("activation", activation, ACTIVATIONS)
    for name, value in (("dimension", dimension), ("width", width), ("layers", layers)):
        whole(name, value, 1)
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(whole("seed", seed))
        made: Any = _BUILD[kind](torch.nn, dimension, width, layers, activation)
    if not bias:
        _without_biases(made)
    return made.double()


def loss_of_model(
    kind: str, problem: Problem, width: int, layers: int, activation: str, seed: int, bias: bool = True
) -> TorchLoss:
    """Return the square loss ½ mean (f − y)² of a model on a problem, as a function of its parameters."""
    made = model(kind, problem.dimension, width, layers, activation, seed, bias)
    return TorchLoss(made, square_loss, (problem.points, problem.labels[:, None]))


def square_loss(given: Any, batch: Any) -> Any:
    """½ mean (f − y)² of a batch (inputs, labels)."""
    inputs, labels = batch
    return 0.5 * ((given(inputs) - labels) ** 2).mean()


def _without_biases(made: Any) -> None:
    """Fix all biases at 0, but for those of the first layer."""
    for _, parameter in [each for each in made.named_parameters() if each[0].endswith("bias")][1:]:
        parameter.detach().zero_()
        parameter.requires_grad_(False)


def _activation(nn: Any, name: str) -> Any:
    return {"tanh": nn.Tanh, "gelu": nn.GELU, "relu": nn.ReLU}[name]()


def _plain(nn: Any, dimension: int, width: int, layers: int, activation: str) -> Any:
    parts = [nn.Linear(dimension, width), _activation(nn, activation)]
    for _ in range(layers - 1):
        parts += [nn.Linear(width, width), _activation(nn, activation)]
    return nn.Sequential(*parts, nn.Linear(width, 1))


def _normalized(nn: Any, dimension: int, width: int, layers: int, activation: str) -> Any:
    parts = [nn.Linear(dimension, width), _activation(nn, activation)]
    for _ in range(layers - 1):
        parts += [nn.Linear(width, width), nn.BatchNorm1d(width), _activation(nn, activation)]
    return nn.Sequential(*parts, nn.Linear(width, 1))


def _residual(nn: Any, dimension: int, width: int, layers: int, activation: str) -> Any:
    class Residual(nn.Module):  # type: ignore[misc]
        """h + inner(h)."""

        def __init__(self, inner: Any) -> None:
            super().__init__()
            self.inner = inner

        def forward(self, h: Any) -> Any:
            """Return h + inner(h)."""
            return h + self.inner(h)

    blocks = [
        Residual(nn.Sequential(nn.Linear(width, width), _activation(nn, activation)))
        for _ in range(layers - 1)
    ]
    first = [nn.Linear(dimension, width), _activation(nn, activation)]
    return nn.Sequential(*first, *blocks, nn.Linear(width, 1))


_BUILD: dict[str, Callable[[Any, int, int, int, str], Any]] = {
    "mlp": _plain,
    "residual": _residual,
    "batch-norm": _normalized,
}
