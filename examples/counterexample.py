"""A theorem that is false as printed for small inputs, a random search that misses it, and the repair."""

import numpy as np

import stepscape as ss


def sides(problem: ss.Problem, net: ss.TwoLayerReLU, x_max: float) -> tuple[float, float]:
    """∫|f''|g, and λ_max/2 − ½ + x_max √(2L)."""
    left = ss.theory.weighted_tv(net.w1, net.b1, net.w2, problem.inputs)
    loss = problem.training_loss(net.predict(problem.inputs))
    return left, ss.sharpness(problem, net).value / 2 - 0.5 + x_max * np.sqrt(2 * loss)


inputs, labels, w1, b1, w2, b2 = ss.theory.counterexample(a=0.1, c=20.0, rho=0.5)
problem, net = ss.Problem(inputs, labels), ss.TwoLayerReLU(w1, b1, w2, b2)
for words, x_max in (("as printed, x_max = max|x|", 0.1), ("repaired, x_max = 1/√3", 3**-0.5)):
    left, right = sides(problem, net, x_max)
    print(f"{words:27s} {left:.3f} ≤ {right:.3f}: {left <= right}")
print("the program's certificate: ", ss.certify(problem, net)["published"].verdict)

# Random networks with random labels on inputs in [-0.1, 0.1] do not find it.
rng = np.random.default_rng(0)
violations = 0
for _ in range(2_000):
    n, k = rng.integers(2, 6, 2)
    x = rng.uniform(-0.1, 0.1, n)
    scale = 10 ** rng.uniform(-1.0, 1.5)
    random = ss.TwoLayerReLU(*(scale * rng.standard_normal((3, k))), scale * rng.standard_normal())
    noisy = ss.Problem(x, random.predict(x) + 10 ** rng.uniform(-2.0, 1.0) * rng.standard_normal(n))
    left, right = sides(noisy, random, float(np.abs(x).max()))
    violations += left > right * (1 + 1e-9)
print(f"{violations} violations in 2000 random networks: a construction was needed")
