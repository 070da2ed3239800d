"""How far two colors are apart for normal eyes, for eyes without green cones, and in gray."""

from __future__ import annotations

import numpy as np
from matplotlib.colors import to_rgb

# Machado, Oliveira and Fernandes (2009): deuteranopia, on linear RGB.
DEUTERANOPIA = np.array(
    [[0.367322, 0.860646, -0.227968], [0.280085, 0.672501, 0.047413], [-0.011820, 0.042940, 0.968881]]
)
# sRGB of IEC 61966-2-1 → XYZ for the white point D65.
XYZ = np.array(
    [[0.4124564, 0.3575761, 0.1804375], [0.2126729, 0.7151522, 0.0721750], [0.0193339, 0.1191920, 0.9503041]]
)


def linear(color):
    rgb = np.asarray(to_rgb(color))
    return np.where(rgb <= 0.04045, rgb / 12.92, ((rgb + 0.055) / 1.055) ** 2.4)


def lab(color, vision=None):
    """CIE L*a*b* of a color as such eyes see it."""
    rgb = linear(color) if vision is None else (vision @ linear(color)).clip(0.0, 1.0)
    t = XYZ @ rgb / XYZ.sum(axis=1)
    f = np.where(t > (6 / 29) ** 3, np.cbrt(t), t / (3 * (6 / 29) ** 2) + 4 / 29)
    return np.array([116 * f[1] - 16, 500 * (f[0] - f[1]), 200 * (f[1] - f[2])])


def apart(one, other, vision=None):
    """ΔE of CIE 1976."""
    return float(np.linalg.norm(lab(one, vision) - lab(other, vision)))


def contrast(color):
    """Contrast to white, as the accessibility guidelines of the web define it."""
    return 1.05 / (XYZ[1] @ linear(color) + 0.05)
