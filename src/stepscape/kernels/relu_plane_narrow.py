"""Passes of a step and of a Hessian product for inputs of one, two or three variables.

Matrix products with an inner dimension of 2 to 4 spend most of their time on copies. Here the weights of a
few neurons stay in registers while the inputs, one array for each variable, stream past them; z is computed
in either pass and never stored. The passes may round z differently, which matters where |z| is of the size of
that rounding.

Products with the Hessian need S made once: `switch` stores it, a byte a place. `couple` and `gather` take
four inputs at a time, so that they load the numbers of a block of neurons once for the four.

Columns x are a tuple of three arrays (n,), None instead of those beyond the last variable: what is None is
not compiled. Packed weights and P are those of `kernels.relu_plane`.
"""

from __future__ import annotations

import numpy as np
from numba import njit
from numpy.typing import NDArray

from stepscape.kernels.compiler import DISJOINT, INLINE

Array = NDArray[np.float64]
Columns = tuple[Array | None, Array | None, Array | None]
MOST = 3  # variables


@njit(**DISJOINT, **INLINE)
def _four(x1, x2, x3, inner, outer, b, j, values):
    """Add Σ w2 max(z, 0) of the neurons j to j + 3 of a block to values (n,)."""
    d = inner.shape[1] - 1
    b0, b1, b2, b3 = inner[b, d, j], inner[b, d, j + 1], inner[b, d, j + 2], inner[b, d, j + 3]
    p0, p1, p2, p3 = inner[b, 0, j], inner[b, 0, j + 1], inner[b, 0, j + 2], inner[b, 0, j + 3]
    if x2 is not None:
        q0, q1, q2, q3 = inner[b, 1, j], inner[b, 1, j + 1], inner[b, 1, j + 2], inner[b, 1, j + 3]
    if x3 is not None:
        r0, r1, r2, r3 = inner[b, 2, j], inner[b, 2, j + 1], inner[b, 2, j + 2], inner[b, 2, j + 3]
    a0, a1, a2, a3 = outer[b, j], outer[b, j + 1], outer[b, j + 2], outer[b, j + 3]
    for i in range(values.size):
        z0, z1, z2, z3 = b0 + p0 * x1[i], b1 + p1 * x1[i], b2 + p2 * x1[i], b3 + p3 * x1[i]
        if x2 is not None:
            z0 += q0 * x2[i]
            z1 += q1 * x2[i]
            z2 += q2 * x2[i]
            z3 += q3 * x2[i]
        if x3 is not None:
            z0 += r0 * x3[i]
            z1 += r1 * x3[i]
            z2 += r2 * x3[i]
            z3 += r3 * x3[i]
        left = a0 * (z0 if z0 > 0.0 else 0.0) + a1 * (z1 if z1 > 0.0 else 0.0)
        right = a2 * (z2 if z2 > 0.0 else 0.0) + a3 * (z3 if z3 > 0.0 else 0.0)
        values[i] += left + right


@njit(**DISJOINT, **INLINE)
def _two(x1, x2, x3, inner, b, j, slopes, pulled, moments):
    """Set P of the neurons j and j + 1 of a block; pulled (d, n) is slopes·x."""
    d = inner.shape[1] - 1
    b0, b1, p0, p1 = inner[b, d, j], inner[b, d, j + 1], inner[b, 0, j], inner[b, 0, j + 1]
    s0 = s1 = t0 = t1 = u0 = u1 = v0 = v1 = 0.0
    if x2 is not None:
        q0, q1 = inner[b, 1, j], inner[b, 1, j + 1]
    if x3 is not None:
        r0, r1 = inner[b, 2, j], inner[b, 2, j + 1]
    for i in range(slopes.size):
        z0, z1 = b0 + p0 * x1[i], b1 + p1 * x1[i]
        if x2 is not None:
            z0 += q0 * x2[i]
            z1 += q1 * x2[i]
        if x3 is not None:
            z0 += r0 * x3[i]
            z1 += r1 * x3[i]
        s0 += slopes[i] if z0 > 0.0 else 0.0
        s1 += slopes[i] if z1 > 0.0 else 0.0
        t0 += pulled[0, i] if z0 > 0.0 else 0.0
        t1 += pulled[0, i] if z1 > 0.0 else 0.0
        if x2 is not None:
            u0 += pulled[1, i] if z0 > 0.0 else 0.0
            u1 += pulled[1, i] if z1 > 0.0 else 0.0
        if x3 is not None:
            v0 += pulled[2, i] if z0 > 0.0 else 0.0
            v1 += pulled[2, i] if z1 > 0.0 else 0.0
    moments[b, d, j], moments[b, d, j + 1] = s0, s1
    moments[b, 0, j], moments[b, 0, j + 1] = t0, t1
    if x2 is not None:
        moments[b, 1, j], moments[b, 1, j + 1] = u0, u1
    if x3 is not None:
        moments[b, 2, j], moments[b, 2, j + 1] = v0, v1


@njit(**DISJOINT, **INLINE)
def forward(columns, inner, outer, shift, values):
    """Set values to f (n,)."""
    x1, x2, x3 = columns
    values[:] = shift
    for b in range(inner.shape[0]):
        for j in range(0, inner.shape[2], 4):
            _four(x1, x2, x3, inner, outer, b, j, values)


@njit(**DISJOINT, **INLINE)
def backward(columns, turned, slopes, inner, pulled, moments):
    """Set moments (m, d + 1, B) to P; turned (d + 1, n) is X̃ᵀ, pulled is overwritten. Returns Σ slopes."""
    x1, x2, x3 = columns
    total = 0.0
    for i in range(slopes.size):
        total += slopes[i]
    for c in range(turned.shape[0] - 1):
        for i in range(slopes.size):
            pulled[c, i] = slopes[i] * turned[c, i]
    for b in range(inner.shape[0]):
        for j in range(0, inner.shape[2], 2):
            _two(x1, x2, x3, inner, b, j, slopes, pulled, moments)
    return total


@njit(**DISJOINT, **INLINE)
def switch(x1, x2, x3, inner, outer, kept, values):
    """Add Σ_j w2_j max(z_ij, 0) of one block to values (n,), and set kept (n, B) to 1{z > 0}."""
    d = inner.shape[0] - 1
    w0, w1 = inner[d], inner[0]
    if x2 is not None:
        w2 = inner[1]
    if x3 is not None:
        w3 = inner[2]
    for i in range(values.size):
        total = 0.0
        for j in range(w0.size):
            z = w0[j] + w1[j] * x1[i]
            if x2 is not None:
                z += w2[j] * x2[i]
            if x3 is not None:
                z += w3[j] * x3[i]
            total += outer[j] * (z if z > 0.0 else 0.0)
            kept[i, j] = z > 0.0
        values[i] += total


@njit(**DISJOINT, **INLINE)
def couple(x1, x2, x3, kept, forces, values):
    """Add Σ_j s_ij ⟨x̃_i, forces_j⟩ of one block, forces (d + 1, B) and S (n, B), to values (n,)."""
    n, d = values.size, forces.shape[0] - 1
    f0, f1 = forces[d], forces[0]
    if x2 is not None:
        f2 = forces[1]
    if x3 is not None:
        f3 = forces[2]
    for i in range(0, n, 4):
        i1, i2, i3 = min(i + 1, n - 1), min(i + 2, n - 1), min(i + 3, n - 1)
        s0, s1, s2, s3 = kept[i], kept[i1], kept[i2], kept[i3]
        t0 = t1 = t2 = t3 = 0.0
        for j in range(f0.size):
            z0, z1 = f0[j] + f1[j] * x1[i], f0[j] + f1[j] * x1[i1]
            z2, z3 = f0[j] + f1[j] * x1[i2], f0[j] + f1[j] * x1[i3]
            if x2 is not None:
                z0 += f2[j] * x2[i]
                z1 += f2[j] * x2[i1]
                z2 += f2[j] * x2[i2]
                z3 += f2[j] * x2[i3]
            if x3 is not None:
                z0 += f3[j] * x3[i]
                z1 += f3[j] * x3[i1]
                z2 += f3[j] * x3[i2]
                z3 += f3[j] * x3[i3]
            t0 += z0 if s0[j] else 0.0
            t1 += z1 if s1[j] else 0.0
            t2 += z2 if s2[j] else 0.0
            t3 += z3 if s3[j] else 0.0
        values[i] += t0
        if i + 1 < n:
            values[i1] += t1
        if i + 2 < n:
            values[i2] += t2
        if i + 3 < n:
            values[i3] += t3


@njit(**DISJOINT, **INLINE)
def gather(x2, x3, kept, pulled, moments):
    """Set moments (d + 1, B) to Σ_i pulled_i s_ij of one block, pulled (d + 1, n) and S (n, B)."""
    n, d = pulled.shape[1], pulled.shape[0] - 1
    moments[:] = 0.0
    for i in range(0, n - 3, 4):
        s0, s1, s2, s3 = kept[i], kept[i + 1], kept[i + 2], kept[i + 3]
        _add(s0, s1, s2, s3, pulled[0], i, moments[0])
        if x2 is not None:
            _add(s0, s1, s2, s3, pulled[1], i, moments[1])
        if x3 is not None:
            _add(s0, s1, s2, s3, pulled[2], i, moments[2])
        _add(s0, s1, s2, s3, pulled[d], i, moments[d])
    for i in range(n - n % 4, n):
        for c in range(d + 1):
            for j in range(moments.shape[1]):
                moments[c, j] += pulled[c, i] if kept[i, j] else 0.0


@njit(**DISJOINT, **INLINE)
def _add(s0, s1, s2, s3, row, i, sums):
    """Add what four inputs from the i-th on give to sums (B,)."""
    p0, p1, p2, p3 = row[i], row[i + 1], row[i + 2], row[i + 3]
    for j in range(sums.size):
        left = (p0 if s0[j] else 0.0) + (p1 if s1[j] else 0.0)
        right = (p2 if s2[j] else 0.0) + (p3 if s3[j] else 0.0)
        sums[j] += left + right


def columns_of(points: Array) -> Columns | None:
    """Return the columns of X̃ (n, d + 1) but the last for up to `MOST` variables, else None."""
    d = points.shape[1] - 1
    if d > MOST:
        return None
    first, second, third = (np.ascontiguousarray(points[:, c]) if c < d else None for c in range(MOST))
    return first, second, third
