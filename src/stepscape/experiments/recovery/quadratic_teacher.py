"""A flat network with quadratic activations learns its teacher as a function, but not its weights."""

from __future__ import annotations

from functools import partial
from typing import Any

from stepscape.experiments.frame import Claim, Drawn, Finding, Part, Result, Says, decide, lacking
from stepscape.experiments.frame.levels import median
from stepscape.experiments.frame.medians import medians
from stepscape.experiments.recovery.failure_rates import falls_with_size
from stepscape.experiments.recovery.teacher_runs import TeacherRun, begin, grid, work
from stepscape.experiments.recovery.undecided import Tried, agreed_share, more_often
from stepscape.tables.records import Table


def finished(result: Result) -> Table:
    """Return the runs that were carried out."""
    table = result.of(TeacherRun).where(outcome="finished").table
    return table if "test_flat" in table else Table({})


def enough(result: Result, ratio: float) -> Table:
    """Return the runs with at least `ratio` examples per degree of freedom."""
    table = finished(result)
    return table.rows(table["ratio"] >= ratio) if len(table) else table


def tried(table: Table, way: str, exact: float) -> Tried:
    """Return which runs learned the function, up to `exact`, and which stayed undecided."""
    return Tried.of(table[f"test_{way}"] <= exact, table[f"status_{way}"] != "optimal")


def learns(result: Result, ratio: float, exact: float, nearly_all: float) -> Finding:
    """Whether nearly all flat networks have the test error 0, up to `exact`, with enough examples."""
    table = enough(result, ratio)
    if not len(table):
        return lacking(f"no network had {ratio:g} examples per degree of freedom")
    says = Says("flat networks", "predict", "fresh labels exactly")
    found = agreed_share(tried(table, "flat", exact), says, nearly_all, table["seed"])
    return found.with_numbers({"test error, largest": float(table["test_flat"].max())})


def copies_weights(result: Result, ratio: float, exact: float, near: float) -> Finding:
    """Whether the flat networks that learned the function have the teacher's weights, too."""
    table = enough(result, ratio)
    rows = table.rows(tried(table, "flat", exact).succeeded) if len(table) else table
    if not len(rows):
        return lacking("no flat network learned the function")
    says = Says("flat networks that learned the function", "have", "the teacher's weights")
    found = decide.share(rows["weights"] <= near, says, groups=rows["seed"])
    return found.with_numbers({"relative distance of the weights, median": median(rows["weights"])})


def reduces(result: Result, tolerance: float) -> Finding:
    """Whether the loss of a network is that of measurements of its matrix."""
    table = finished(result)
    if not len(table):
        return lacking("no network was trained")
    return decide.identity(table["reduction"], tolerance, "relative differences of the two losses")


def kernel_fails(result: Result, least: float, nearly_all: float) -> Finding:
    """Whether the interpolant of least Frobenius norm, that of the quadratic kernel, does not learn it."""
    table = finished(result)
    if not len(table):
        return lacking("no network was trained")
    says = Says("quadratic kernel interpolants", "have", f"a test error of {least:g} or more")
    flags = Tried.of(table["test_frobenius"] >= least, table["status_frobenius"] != "optimal")
    found = agreed_share(flags, says, nearly_all, table["seed"])
    return found.with_numbers({"test error, median": median(table["test_frobenius"])})


def beats_nuclear_norm(result: Result, exact: float, least: float) -> Finding:
    """Whether flatness learns exactly in more runs than the nuclear norm, over all numbers of examples."""
    table = finished(result)
    if not len(table):
        return lacking("no network was trained")
    flat, nuclear = (tried(table, way, exact) for way in ("flat", "nuclear"))
    says = Says("flatness", "learn", "the teacher more often than the nuclear norm")
    what = "share of runs that flatness learns, less that of the nuclear norm"
    at_once = len(result.settings["teachers"])
    return more_often(flat, nuclear, table["seed"], says, what, least, at_once)


EXACT = 1e-8  # relative test error, a square, up to which a function is learned


def draw(result: Result) -> dict[str, Drawn]:
    """Test error against the number of examples, and the weights beside the function."""
    from stepscape.experiments.recovery import quadratic_teacher_figures as figures

    return {"learning": figures.learning(result), "weights": figures.weights(result)}


QUICK: dict[str, Any] = {
    "teachers": ("1+1", "2+0", "2+1"),
    "d": 14,
    "ratios": (1.2, 1.8, 2.5),
    "fresh": 200,
    "seeds": 4,
    "block_d": (6, 10),
    "block_ratio": 2.6,
    "blocks": 4,
    "trials": 8,
    "iterations": 2000,
    "first_seed": 200,
}
_part = partial(Part, by="teacher")

CLAIM = Claim(
    name="quadratic-teacher",
    title="A flat quadratic network learns its teacher as a function, not as weights",
    claim=(
        "A two-layer network with quadratic activations, trained on labels of such a network with few "
        "neurons, is sensing of a matrix of low rank; its flat minima are the teacher's function if the "
        "examples are of the order r·d."
    ),
    kind="figure",
    source=(
        "Fazel and Wang, NeurIPS tutorial 'Training Instability', part 2, 'Lemma (Reduction to matrix "
        "sensing)'; Ding, Drusvyatskiy, Fazel and Harchaoui (2024), section 5"
    ),
    setup=(
        "f(x) = Σ ±⟨x, u_j⟩² = xᵀMx with standard normal u_j and x. Teachers have neurons of one sign or of "
        "both. Students are the flat networks of the flattest matrix, not trained ones. The ratios of "
        "examples to degrees of freedom, with 2.5 as enough, were fixed before any run; trials had seeds "
        "1000 to 1019. Every m is below d(d + 1)/2, which determines any quadratic function."
    ),
    quick=QUICK,
    full={
        **QUICK,
        "teachers": ("1+1", "2+0", "2+1", "2+2"),
        "d": 20,
        "ratios": (1.0, 1.2, 1.4, 1.6, 1.8, 2.0, 2.2, 2.5),
        "fresh": 2000,
        "seeds": 20,
        "block_d": (10, 20, 30),
        "blocks": 20,
        "trials": 250,
        "iterations": 5000,
        "first_seed": 100,
    },
    grid=grid,
    begin=begin,
    work=work,
    parts=(
        _part(
            "function",
            "The flat network is the teacher as a function",
            "For each teacher, with at least {ratio:g} examples per degree of freedom, nearly all flat "
            "networks (at least {nearly_all:.0%}) have a mean squared error at fresh inputs of at most "
            "{exact:g} of the mean square of the teacher. Undecided solutions must not change the answer, "
            "whichever way they count.",
            learns,
            {"ratio": 2.5, "exact": EXACT, "nearly_all": 0.95},
            primary=True,
        ),
        _part(
            "weights",
            "Does the flat network have the teacher's weights?",
            "For each teacher, among the flat networks that learned the function with at least {ratio:g} "
            "examples per degree of freedom (error at most {exact:g}), the neurons agree with the teacher's "
            "up to {near:g} of their norm, in the order and with the signs that fit best: yes if nearly all "
            "do, no if fewer than half do.",
            copies_weights,
            {"ratio": 2.5, "exact": EXACT, "near": 0.01},
            kind="open question",
        ),
        Part(
            "reduction",
            "The network is matrix sensing",
            "The loss of the flat network at the examples and ‖A(X) − b‖²/m of its matrix X = U1U1ᵀ − U2U2ᵀ "
            "agree up to {tolerance:g} of the mean square of the labels.",
            reduces,
            {"tolerance": 1e-11},
            kind="identity",
        ),
        _part(
            "kernel",
            "The quadratic kernel does not learn the teacher",
            "For each teacher, at every number of examples, nearly all interpolants of least Frobenius norm "
            "(at least {nearly_all:.0%}), which are those of the kernel ⟨x, x'⟩², have a relative test error "
            "of {least:g} or more.",
            kernel_fails,
            {"least": 0.01, "nearly_all": 0.95},
        ),
        _part(
            "against_nuclear_norm",
            "Does flatness learn more often than the nuclear norm?",
            "For each teacher, the share of the runs of a seed, over all numbers of examples, in which only "
            "flatness has a test error of at most {exact:g}, less that in which only the nuclear norm has: "
            "yes if its interval, simultaneous over the teachers, lies above 0, no if it excludes {least:g}. "
            "An undecided solution counts against the answer, whichever it is.",
            beats_nuclear_norm,
            {"exact": EXACT, "least": 0.02},
            kind="open question",
        ),
        Part(
            "failure_rate",
            "Just above the threshold, does the failure rate fall like e^(−cd)?",
            "The source states a failure probability of e^(−Ω(d)) with m ≥ C·d examples; C is open. In "
            "blocks of teachers with one neuron and examples in proportion to d, the decay of the log of the "
            "failure rate from the smallest to the largest d: yes if its interval over the blocks lies above "
            "0, no if it excludes {least:g} per unit of d. Undecided trials must not change the answer, "
            "whichever way they count.",
            falls_with_size,
            {"least": 0.02},
            kind="open question",
            where={"kind": "recovery-block/2"},
        ),
    ),
    draw=draw,
    numbers=lambda result: medians(
        finished(result),
        ("teacher", "ratio", "m"),
        ("test_flat", "test_nuclear", "test_frobenius", "train_flat", "weights"),
    ),
    premises={"status_flat": "the duality gap proves the flattest matrix: others are undecided"},
    by="teacher",
)
