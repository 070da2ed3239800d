"""Training runs and what they leave behind."""

from stepscape.training.train import train
from stepscape.training.trajectory import Snapshot, Trajectory

__all__ = ["Snapshot", "Trajectory", "train"]
