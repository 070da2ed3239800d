"""Flatness folklore: what sharpness, trace and weighted variation say about the risk of a solution."""
