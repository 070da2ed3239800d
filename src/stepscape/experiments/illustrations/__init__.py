"""Illustrations of the tutorial: how fast large steps can go, chaos, landscapes of good and bad minima."""
