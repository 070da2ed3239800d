"""Recheck `certificate.json` in exact and interval arithmetic, by the standard library alone.

    python recheck.py [certificate.json]

Every float in the file is the exact number that its hexadecimal digits say. Neurons, residuals and the
Rayleigh quotients of the square loss are computed in rational numbers; square roots, exponentials and
logarithms as intervals that contain them. For each matrix A, the Hessian H or its Gauss-Newton part G, two
claims are checked:

    lower ≤ λ_max(A)   the Rayleigh quotient of the vector in the file is at least that large;
    λ_max(A) ≤ upper   upper - A is positive definite: with S = upper - R on each neuron, so is S, and so is
                       the n × n matrix B = 1 - √D Φ S⁻¹ Φᵀ √D (Haynsworth 1968). A product L E Lᵀ with E > 0
                       is computed whose distance from B - δ, bounded exactly, is less than δ.

The inequalities are then evaluated with these bounds. An inequality is proved if the largest left side is at
most the smallest right side, and both sides in the file are what comes out here. Examples are averaged with
exactly the weights v_i of the file; their sum V is 1 up to rounding and is carried along. The exit status is
0 if all is proved, 1 if something is not, 2 if the file cannot be read.
"""
