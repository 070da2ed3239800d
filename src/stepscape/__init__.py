"""stepscape: a laboratory for training with large step sizes."""

__version__ = "0.1.0"
