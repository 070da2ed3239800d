"""What the settings of the claims mean, and which values are allowed."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import TYPE_CHECKING, Any

from stepscape.cli import console

if TYPE_CHECKING:
    from stepscape.experiments.frame import Claim

_MOST = 12  # values of a list that are written out
MEANINGS = {
    "above": "step size over the critical one, where changes grow",
    "activation": "activation of the hidden layers: tanh, gelu or relu",
    "activations": "activations of the hidden layers that are compared",
    "adam_step_size": "step size of Adam",
    "adaptive_rounds": "steps that adapt to the loss, in units of 1/γ²",
    "adaptive_step_sizes": "step sizes η of the steps that adapt to the loss",
    "algorithm_step_sizes": "step size of each of the algorithms, in their order",
    "algorithms": "methods that train the network",
    "alphas": "exponents: of the mass near the rim, or of the shares of mixed pairs",
    "ambient_dimensions": "dimensions of the space that the subspaces lie in",
    "amplitude": "factor of the true function, or of the true curve whose logit is fitted",
    "amplitudes": "factors of the true curve, whose logit is fitted",
    "architectures": "kinds of deep networks that are compared",
    "arms": "where descent starts",
    "bad_steps": "steps to the bad minimum",
    "ball_dimensions": "dimensions of the full balls that are compared",
    "batch_sizes": "examples of a minibatch",
    "below": "step size over the critical one, where changes shrink",
    "beside": "relative size of the random moves from which descent returns to the interpolator",
    "block_d": "rows of the matrices of the failure rate",
    "block_depths": "layers of the networks with blocks",
    "block_m": "measurements at which the failure rate is counted",
    "block_measurements": "measurements of a product of blocks",
    "block_ratio": "measurements of a block over d",
    "block_sizes": "rows of the square blocks",
    "block_truths": "how many blocks of the truth are not 0",
    "blocks": "blocks of trials of the failure rate, one per seed",
    "bowl_step_sizes": "step sizes on the bowl with ripples",
    "budgets": "numbers of steps, each with a descent of its own",
    "c": "measurements of the theorem, in units of r(d1 + d2)",
    "candidates": "directions that are tried for caps without inputs",
    "cap_dimensions": "input variables of the balls with caps",
    "cap_sizes": "rows of the data sets in the balls with caps",
    "cases": "pairs of a true curve and a design of the inputs",
    "catapult_widths": "hidden units of the linear networks",
    "clean_seeds": "seeds with labels without noise",
    "clip": "length that a longer gradient is scaled down to",
    "crossing_steps": "steps around the crossing of 2/η that are followed one by one",
    "cycle_step_size": "step size of descent on the toy with cycles",
    "cycle_steps": "steps of descent on the toy with cycles",
    "d": "rows and columns of the matrix",
    "d1": "rows of the matrix",
    "d2": "columns of the matrix",
    "data": "pairs of a law of the inputs and a truth",
    "data_margin": "margin of the data sets, about which it is planted",
    "data_margins": "further margins of the two points",
    "data_sets": "labeled inputs that a plane separates",
    "decay": "weight decay that is compared with none",
    "decay_biases": "whether the L2 penalty acts on the input biases",
    "decay_depths": "layers of the networks with weight decay",
    "decay_share": "step size of the runs with weight decay, over that of the edge at the start",
    "decay_steps": "steps of a run with weight decay",
    "decays": "weight decays",
    "deepest_of": "mixed pairs of which the deepest is taken",
    "degree": "degree of the polynomial that is fitted",
    "depths": "layers of the diagonal networks",
    "descents": "step sizes of descent",
    "detuning": "relative distance of the step sizes from 2/λ, on either side",
    "diagram_levels": "step sizes of the diagram of orbits",
    "dimension": "input variables",
    "dimensions": "numbers of input variables",
    "distance": "distance that they keep from the training points",
    "draws": "random moves of the weights per size of the noise, or draws of random labels",
    "epsilon": "ε of adaptive methods, their preconditioner at a minimum",
    "edge_shares": "step sizes, each over that of the edge at the start",
    "families": "laws of the features of least squares",
    "far_multiples": "step sizes at the larger offsets, in units of 2/λ_max of the truth",
    "few_measurements": "measurements of the full matrix that is not recovered",
    "fewest_steps": "steps at the largest step size; smaller ones make more, for the same time",
    "first_seed": "first of the seeds",
    "flip_rate": "probability that a label is flipped",
    "flip_rates": "probabilities that a label is flipped",
    "flow_step_size": "step size that stands for gradient flow",
    "flow_steps": "steps of the run that stands for gradient flow",
    "folds": "parts of the data set for cross-validation",
    "forces": "what acts besides the gradient",
    "fresh": "fresh inputs on which the learned function is compared",
    "gauges": "which factors are stretched: all columns or one",
    "geometries": "laws of the inputs",
    "good_steps": "steps to the good minimum",
    "half_width": "inputs lie in [-half_width, half_width]",
    "half_widths": "inputs lie in [-half_width, half_width]",
    "high_dimension": "input variables of the runs that show memorization",
    "high_n": "rows of the data sets of these runs",
    "init": "law of the initial network",
    "inner_dimensions": "dimensions of the subspaces",
    "interpolators": "networks that pass through every label",
    "iterations": "most iterations of the solver",
    "kept_steps": "steps of the descents that start at an interpolator",
    "label_noises": "standard deviations of the fresh noise of the labels",
    "large_sizes": "rows of the data sets that only textbook interpolants are given",
    "large_step_size": "step size that cannot interpolate",
    "large_step_sizes": "step sizes that are compared with the small one",
    "largest_margin": "largest margin of the interpolators",
    "largest_step_size": "largest step size that the network is tuned over",
    "laws": "laws of labels that have no truth to find",
    "layers": "hidden layers of the network",
    "learned": "inputs of the single examples that are trained on",
    "leaving_size": "length of the change from which a method leaves a minimum",
    "length": "numbers of a vector",
    "levels": "noise of the labels, as a share of their size",
    "limit_sizes": "rows of the data sets on which the bound is held against its limit",
    "logistic_half_width": "inputs of the logistic runs lie in [-logistic_half_width, logistic_half_width]",
    "logistic_n": "rows of a data set of the logistic runs",
    "logistic_step_sizes": "step sizes of the logistic runs",
    "logistic_steps": "steps of a logistic run",
    "logistic_truth": "true curve of the logistic runs, also a MODULE:FUNCTION of your own",
    "logistic_width": "neurons of the logistic runs",
    "logit": "size of the logits of the constructed classifier",
    "many_nonzeros": "nonzeros of the truths that two layers may miss",
    "margin": "distance of the knots from the inputs, as a share of the gap",
    "margins": "number of margins between the smallest and the largest",
    "mean_field_scales": "factors of the mean-field initialization",
    "measured_batches": "minibatches over which batch sharpness is averaged",
    "measurements": "measurements of a vector",
    "methods": "how descent moves: with momentum, Nesterov's or weight decay, or plainly",
    "mixing_alpha": "α of mixup: shares are Beta(α, α)",
    "moments": "records from which the best held-out moment is chosen",
    "momentum": "momentum of the heavy ball",
    "momentum_step_size": "step size of the heavy ball",
    "moves": "sizes of the random moves of the start, as shares of its norm",
    "multiples": "step sizes in units of 2/λ_max of the truth",
    "n": "rows of a data set",
    "n_largest": "rows of the largest data set",
    "n_smallest": "rows of the smallest data set",
    "narrow_ripple": "width ε of the ripples",
    "network_depths": "layers of weights of the networks",
    "network_n": "rows of the data set of a network",
    "network_noise": "standard deviation of the labels of a network",
    "networks": "networks that descent is followed on",
    "noise": "standard deviation of the labels around the true curve",
    "noise_sizes": "root mean square lengths of the noise on the inputs",
    "noises": "standard deviations of the labels around the true curve",
    "nonzeros": "nonzeros of the sparse truths",
    "offset": "distance from the interpolator at which descent starts",
    "offsets": "distances from the truth at which descent starts, as shares of its norm",
    "optimizers": "methods that are compared",
    "orbit_steps": "steps of the orbits in the double well that count",
    "patience": "steps within which a run must reach the edge",
    "penalties": "weights of the penalty on the trace",
    "picture_sizes": "rows of the data sets in the picture",
    "points": "inputs of the examples whose curvature is followed",
    "probes": "inputs on each sphere around the data",
    "problems": "kinds of measurements",
    "products": "step size times the curvature of the start",
    "published_decay": "weight decay that was published",
    "pull": "weight of their loss beside that of the training labels",
    "radii": "radii of the spheres around the data, in units of that of the data",
    "rank": "rank of the true matrix",
    "ranks": "ranks of the true matrix",
    "ratio": "measurements per degree of freedom",
    "ratios": "measurements per degree of freedom, or features per example",
    "reach": "starts lie in [-reach, reach]²",
    "records": "moments of a run at which it is measured",
    "ridge_data": "data sets of the descents with weight decay",
    "ridge_margin": "margin of these data sets",
    "ridge_steps": "most steps of a descent with weight decay",
    "ripple_starts": "starts of descent on the bowl with ripples",
    "ripple_step_sizes": "step sizes on the bowl with ripples",
    "ripple_steps": "steps on the bowl with ripples that count",
    "ripples": "widths ε of the ripples",
    "sam_radii": "radii of the sharpness-aware steps",
    "scale": "factor of the initial parameters",
    "scales": "factors of the initial parameters",
    "seeds": "number of seeds: repetitions with other data and another start",
    "settle_steps": "steps on the labels alone that both minima make after they are measured",
    "shift": "distance of the knots from the inputs",
    "shifts": "distances by which the data is shifted from the origin",
    "shown": "step sizes whose curves are drawn",
    "side": "rows of the full matrix",
    "size": "length of the change of the start",
    "sizes": "rows of the data sets",
    "slopes": "slopes α that drive the curvature of the toy up",
    "small_step_size": "step size with which the larger ones are compared",
    "smallest_margin": "smallest margin of the interpolators",
    "smallest_step_size": "smallest step size that the network is tuned over",
    "square_step_sizes": "step sizes of the runs with the square loss",
    "stable_multiples": "step sizes in units of 2 over the largest curvature",
    "start_sharpness": "sharpness that the start below the edge is scaled to",
    "starts": "where descent starts, or how often the search for the least weight decay does",
    "step_size": "step size",
    "step_sizes": "step sizes",
    "steps": "steps of a run",
    "stretches": "how far the factors are moved from the balanced ones, on a logarithmic scale",
    "swing_reach": "starts of the runs beyond η = ½ lie in [-swing_reach, swing_reach]²",
    "targets": "true curves: a bump that shrinks with n, or one that is the same for all n",
    "teachers": "neurons of the teacher with a positive sign and with a negative one",
    "teeth": "teeth of the true zigzag",
    "theorem_seeds": "number of seeds of the trials of the theorem",
    "time": "time η t that is followed",
    "toy_alphas": "α of mixup in the toy picture",
    "toy_n": "examples of the toy picture",
    "toy_step_size": "step size of the toy picture",
    "toy_steps": "steps of the toy picture",
    "toy_width": "neurons of the toy picture",
    "trace_records": "last moments of a run at which the trace is measured",
    "trials": "trials in a block of the failure rate",
    "truth": "true curve, also a MODULE:FUNCTION of your own",
    "truths": "true curves, also a MODULE:FUNCTION of your own",
    "variation": "largest ∫|f''|g in the class of functions",
    "warmup_steps": "steps in which the step size grows from a small one",
    "watched": "iterates that are looked at one by one at the beginning, and as many at the end",
    "weight_decay": "factor of the L2 penalty",
    "weight_decays": "factors of the L2 penalty",
    "well_step_sizes": "step sizes in the double well",
    "well_steps": "steps in the double well that count",
    "wells_step_sizes": "step sizes in the double well with ripples",
    "wide_arms": "methods that also begin at factors twice as large",
    "width": "neurons of the network",
    "widths": "neurons of the networks",
    "window": "steps that are averaged",
    "wrong": "fresh points with wrong labels that make the bad minimum",
}


def setting_lines(claim: Claim) -> list[str]:
    """List the settings of a claim with meaning, allowed values and defaults."""
    lines = [f"Settings of {claim.name}, changed with --set KEY=VALUE:"]
    for key, quick in claim.quick.items():
        meaning = MEANINGS.get(key, "")
        lines.append(
            console.paragraph(f"{key}: {meaning}{'; ' if meaning else ''}{allowed(key, quick)}", "  ")
        )
        full = claim.full.get(key, quick)
        other = f"; at full size {shown(full)}" if full != quick else ""
        lines.append(console.paragraph(f"default {shown(quick)}{other}", "      "))
    return lines


def allowed(key: str, default: Any) -> str:
    """Word the values that are allowed, by the type of the default."""
    each = default[0] if isinstance(default, tuple) and default else default
    names = values(key)
    kinds = ((bool, "yes or no"), (int, "whole number"), (float, "number"), (str, "word"))
    one = (
        f"{', '.join(names[:-1])} or {names[-1]}"
        if names
        else next(words for kind, words in kinds if isinstance(each, kind))
    )
    if not isinstance(default, tuple):
        return one
    return (
        f"one or more of {', '.join(names)}"
        if names
        else f"{one}s, separated by commas".replace("texts", "text")
    )


def values(key: str) -> list[str]:
    """Return the words among which a setting chooses; empty if it is a number or any text."""
    return list(_NAMES[key]()) if key in _NAMES else []


def as_text(value: Any) -> str:
    """Write a value as --set reads it."""
    if isinstance(value, bool):
        return "yes" if value else "no"
    return ",".join(map(as_text, value)) if isinstance(value, tuple) else str(value)


def shown(value: Any) -> str:
    """Write a value as --set reads it, but of a long list only the beginning and the end."""
    if isinstance(value, tuple) and len(value) > _MOST:
        return f"{as_text(value[:3])},…,{as_text(value[-1:])} ({len(value)} values)"
    return as_text(value)


def _truths() -> Iterable[str]:
    from stepscape.problems.curves import SHAPES

    return SHAPES


def _arms() -> Iterable[str]:
    from stepscape.experiments.common.arms import ARMS

    return ARMS


def _interpolators() -> Iterable[str]:
    from stepscape.experiments.interpolation.interpolators import INTERPOLATORS

    return INTERPOLATORS


def _families() -> Iterable[str]:
    from stepscape.experiments.interpolation.descent_curve_runs import FAMILIES

    return FAMILIES


def _laws() -> Iterable[str]:
    from stepscape.experiments.certificates.agnostic_runs import LAWS

    return LAWS


def _targets() -> Iterable[str]:
    from stepscape.experiments.certificates.rate_runs import TARGETS

    return TARGETS


def _forces() -> Iterable[str]:
    from stepscape.experiments.forces.runs import FORCES

    return FORCES


def _optimizers() -> Iterable[str]:
    from stepscape.experiments.forces.method_runs import NAMES

    return NAMES


def _algorithms() -> Iterable[str]:
    from stepscape.experiments.deep.optimizers import OPTIMIZERS

    return OPTIMIZERS


def _activations() -> Iterable[str]:
    from stepscape.objectives.layered_network import ACTIVATIONS

    return ACTIVATIONS


def _data_sets() -> Iterable[str]:
    from stepscape.experiments.illustrations.separable_data import NAMES

    return NAMES


_NAMES: dict[str, Callable[[], Iterable[str]]] = {
    "truth": _truths,
    "truths": _truths,
    "arms": _arms,
    "families": _families,
    "interpolators": _interpolators,
    "forces": _forces,
    "optimizers": _optimizers,
    "laws": _laws,
    "algorithms": _algorithms,
    "activation": _activations,
    "activations": _activations,
    "targets": _targets,
    "data_sets": _data_sets,
    "ridge_data": _data_sets,
    "init": lambda: ("torch", "mean_field"),
}
