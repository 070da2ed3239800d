"""The limits of the edge of stability, for families that are not written in the frame yet."""

from stepscape.experiments.frame.limits import EDGE

__all__ = ["EDGE"]
