"""Confidence with the logistic loss: curvature, margins, flat networks that are wrong."""
