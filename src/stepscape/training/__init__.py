"""Training runs, and the trajectories that they leave behind."""

from stepscape.training.optimizer_map import OptimizerMap
from stepscape.training.path import Path, PathPoint
from stepscape.training.run import run
from stepscape.training.train import train
from stepscape.training.trajectory import Snapshot, Trajectory

__all__ = ["OptimizerMap", "Path", "PathPoint", "Snapshot", "Trajectory", "run", "train"]


def __dir__() -> list[str]:
    return sorted(__all__)
