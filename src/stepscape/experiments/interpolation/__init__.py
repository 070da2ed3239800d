"""Interpolators: how sharp they are, and whether descent stays there."""
