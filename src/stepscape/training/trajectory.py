"""The trajectory of a training run."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

import numpy as np
from numpy.typing import ArrayLike, NDArray

from stepscape.methods import Method
from stepscape.network import TwoLayerReLU
from stepscape.training.path import midpoint, summary

Array = NDArray[np.float64]


@dataclass(frozen=True, eq=False)
class Snapshot:
    """The state at a recorded step: the iterate and the one before it (which are equal at step 0)."""

    step: int
    loss: float
    network: TwoLayerReLU
    network_before: TwoLayerReLU

    def predict(self, x: ArrayLike) -> Array:
        """Mean of the predictions of the two iterates."""
        return 0.5 * (self.network.predict(x) + self.network_before.predict(x))

    @property
    def midpoint(self) -> TwoLayerReLU:
        """The network with the parameters (θ_t + θ_{t−1})/2."""
        return midpoint_network(self.network, self.network_before)


@dataclass(frozen=True, eq=False)
class Trajectory:
    """Recorded steps of one run; arrays have one entry per recorded step, the first for step 0.

    At the edge of stability descent oscillates with period two. What a record says about the solution is
    measured in the middle of the oscillation, on the midpoint network (θ_t + θ_{t−1})/2.

    Attributes
    ----------
    outcome : "finished" | "diverged"
        A diverged run ends at the last record before its numbers blew up; nothing in it is NaN because of it.
    message : str
        One sentence that says how the run ended and, if it diverged, what to do.
    at_steps : ndarray of int
    time : ndarray
        Σ η_t up to the step, divided by 1 - momentum.
    step_size : ndarray
        The step size of the next step (it changes during warm-up).
    loss : ndarray
        L of the iterate θ_t as in `Problem`: ½ Σ v (f - y)², or Σ v log(1 + e^{-yf}); right to 1e-6 of
        itself.
    sharpness, sharpness_residual : ndarray
        λ_max of H + weight_decay·diag(mask) on the trained coordinates at the midpoint network, and how far
        it is from that at most, above and below (`Eigenpair.error`); nan when not measured. With adaptive
        methods that of P^{-1/2} (H + …) P^{-1/2}, P of the last step (`OptimizerMap.stabilized`).
    edge_ratio : ndarray
        sharpness over the method's threshold at the current step size.
    sharpness_last, sharpness_last_residual, edge_ratio_last : ndarray
        The same at the iterate θ_t, which with the logistic loss is sharper than the midpoint.
    smoothness : ndarray
        Directional smoothness of the last step; nan at step 0 and where sharpness was not measured. At the
        edge of plain gradient descent it averages 2/η (not with momentum; weight decay is not included in
        it), and for a swing of period two it equals 2/η exactly, whatever the loss.
    bent_neurons, dead_neurons, knots_at_data : ndarray of int
        Of the midpoint network: neurons whose knot lies strictly inside the data hull; neurons active on no
        input; neurons with a knot within 1e-3 of the input range of an input. With several input variables:
        neurons active on some inputs, not on all; on none; bent ones with |w1·x + b1| at some input within
        1e-3 of the range of w1·x.
    network, network_before : TwoLayerReLU
        The last two iterates.
    """

    outcome: Literal["finished", "diverged"]
    message: str
    method: Method
    at_steps: NDArray[np.int64]
    time: Array
    step_size: Array
    loss: Array
    sharpness: Array
    sharpness_residual: Array
    edge_ratio: Array
    sharpness_last: Array
    sharpness_last_residual: Array
    edge_ratio_last: Array
    smoothness: Array
    bent_neurons: NDArray[np.int64]
    dead_neurons: NDArray[np.int64]
    knots_at_data: NDArray[np.int64]
    network: TwoLayerReLU
    network_before: TwoLayerReLU

    def predict(self, x: ArrayLike) -> Array:
        """Mean of the predictions of the last two iterates; at the edge they oscillate with period two."""
        return 0.5 * (self.network.predict(x) + self.network_before.predict(x))

    @property
    def midpoint(self) -> TwoLayerReLU:
        """The network with the parameters (θ_t + θ_{t−1})/2, the mean of the last two iterates.

        One real network in the middle of the oscillation; its prediction is not the mean of the two.
        """
        return midpoint_network(self.network, self.network_before)

    def __repr__(self) -> str:
        end = summary(self.outcome, self.at_steps, self.loss, self.sharpness, self.edge_ratio)
        counts = f"{self.bent_neurons[-1]} bent and {self.dead_neurons[-1]} dead neurons"
        return f"Trajectory({end}, {counts})"


def midpoint_network(network: TwoLayerReLU, before: TwoLayerReLU) -> TwoLayerReLU:
    """Return the network with the mean parameters of two networks of the same width."""
    return network.with_parameters(midpoint(network.parameters, before.parameters))
