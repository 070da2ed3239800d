"""Train a network at the edge of stability, then put every theorem to it: both sides, slack, premises."""

import stepscape as ss

problem = ss.problems.tent(n=30, noise=0.5, seed=0, half_width=3.0)
start = ss.TwoLayerReLU.random(100, scale=0.3, seed=0)
run = ss.train(problem, start, ss.GradientDescent(step_size=0.2, steps=40_000))
print(run)

eigenpair = ss.sharpness(problem, run.network)
print(f"λ_max = {eigenpair.value:.6f} ± {eigenpair.residual:.1e}, 2/η = {2 / 0.2:g}")
print(f"{run.bent_neurons[-1]} bent neurons: the network is alive, its flatness is not an empty one")
print()

for name, certificate in ss.certify(problem, run.network).items():
    print(f"{name}: {certificate.verdict}")
    print(f"    {certificate.statement}")
    print(f"    {certificate.left:.4f} against {certificate.right:.4f}, slack {certificate.slack:.4f}")
    for premise in certificate.failed_premises:
        print(f"    not met: {premise}")
    print(f"    {certificate.source}")

bound = ss.theory.interpolation_bound(problem.inputs, problem.labels)
print()
print(f"Any network through all {problem.size} points has sharpness at least {bound.sharpness:.1f}:")
print(f"gradient descent is linearly unstable there for every step size above {bound.step_size:.4f}.")
