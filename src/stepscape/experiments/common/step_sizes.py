"""The sweep over step sizes that the claims on networks of one input share."""

from __future__ import annotations

from stepscape.experiments.frame.levels import Levels

STEP_SIZES = Levels(
    "step_size", "step sizes", "η", alive="bent_neurons", lives="learns a curve", dies="all neurons die"
)
