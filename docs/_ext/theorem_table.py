"""The theorem table: every entry of `THEOREMS` and `PLANE_THEOREMS` of `stepscape.theory`, at two networks.

Nothing is retyped: names, statements, premises, sources and numbers come from the code at build time.
"""

from __future__ import annotations

import inspect
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np
from docutils import nodes
from sphinx.util.docutils import SphinxDirective

import stepscape as ss
from stepscape.theory import (
    Certificate,
    PlaneTheorem,
    Theorem,
    plane_theorems,
    theorems,
)


def example() -> tuple[ss.Problem, ss.TwoLayerReLU]:
    """Return the problem and the trained network of the tutorial."""
    problem = ss.problems.tent(n=30, noise=0.5, seed=0, half_width=3.0)
    start = ss.TwoLayerReLU.random(100, scale=0.3, seed=0)
    return problem, ss.train(
        problem, start, ss.GradientDescent(0.2, 40_000), measure_sharpness=False
    ).network


def logistic_example() -> tuple[ss.Problem, ss.TwoLayerReLU]:
    """Return yes/no labels around a wave and a network trained on them."""
    problem = ss.problems.bernoulli("wave", n=100, amplitude=2.0, seed=0)
    start = ss.TwoLayerReLU.random(100, seed=0)
    return problem, ss.train(
        problem, start, ss.GradientDescent(0.4, 20_000), measure_sharpness=False
    ).network


def flat_and_wrong() -> tuple[ss.Problem, ss.TwoLayerReLU]:
    """Return the same labels, fitted one and all at a margin of 40."""
    problem = logistic_example()[0]
    return problem, ss.theory.flat_interpolator(problem.inputs, problem.labels, 40.0)


def counterexample() -> tuple[ss.Problem, ss.TwoLayerReLU]:
    """Return the problem and network on which the printed form fails."""
    inputs, labels, w1, b1, w2, b2 = ss.theory.counterexample()
    return ss.Problem(inputs, labels), ss.TwoLayerReLU(w1, b1, w2, b2)


def plane_example() -> tuple[ss.Problem, ss.TwoLayerReLU]:
    """Return noisy labels in a ball of R^5 and a network trained on them."""
    problem = ss.problems.ball(n=60, dimension=5, noise=1.0, seed=0)
    return problem, _trained(problem, 0.5)


def plane_logistic_example() -> tuple[ss.Problem, ss.TwoLayerReLU]:
    """Return two classes in the same ball and a network trained on them."""
    ball = ss.problems.ball(n=60, dimension=5, seed=0)
    problem = ss.problems.bernoulli_labels(ball, amplitude=4.0, seed=0)
    return problem, _trained(problem, 1.0)


def _trained(problem: ss.Problem, step_size: float) -> ss.TwoLayerReLU:
    start = ss.TwoLayerReLU.random(100, 0.3, "he", seed=0, dimension=5)
    method = ss.GradientDescent(step_size, 2_000)
    return ss.train(problem, start, method, measure_sharpness=False).midpoint


def shattered() -> tuple[ss.Problem, ss.TwoLayerReLU]:
    """Return pure noise on a sphere, and a network with one neuron for each label."""
    problem = ss.problems.sphere(n=200, dimension=10, truth="zero", seed=0)
    made = ss.theory.sphere_interpolator(problem.inputs, problem.labels)
    return problem, made.network


def shattered_classes() -> tuple[ss.Problem, ss.TwoLayerReLU]:
    """Return two classes by coin flips on a sphere, and a network with one neuron for each."""
    sphere = ss.problems.sphere(n=200, dimension=10, truth="zero", seed=0)
    problem = ss.problems.bernoulli_labels(sphere, seed=0)
    made = ss.theory.sphere_classifier(problem.inputs, problem.labels, problem.labels)
    return problem, made.network


def line_theorems(loss: str) -> tuple[Theorem, ...]:
    """Return those for the line, proved or not."""
    return theorems(loss, proved=False)


@dataclass(frozen=True)
class Group:
    """Theorems about one loss and the two networks at which they are evaluated."""

    loss: str
    place: str
    title: str
    here: Callable[[], tuple[ss.Problem, ss.TwoLayerReLU]]
    there: Callable[[], tuple[ss.Problem, ss.TwoLayerReLU]]
    names: tuple[str, str]


FACTS = {"line": ss.measures.facts, "plane": ss.measures.plane_facts}
THEOREMS: dict[str, Callable[[str], tuple[Theorem, ...] | tuple[PlaneTheorem, ...]]] = {
    "line": line_theorems,
    "plane": plane_theorems,
}
GROUPS = (
    Group(
        "square",
        "line",
        "Square loss",
        example,
        counterexample,
        ("the tutorial's network", "the counterexample"),
    ),
    Group(
        "logistic",
        "line",
        "Logistic loss",
        logistic_example,
        flat_and_wrong,
        ("the trained network", "the flat interpolator"),
    ),
    Group(
        "square",
        "plane",
        "Square loss, inputs in R^d",
        plane_example,
        shattered,
        ("the trained network", "the sphere interpolator"),
    ),
    Group(
        "logistic",
        "plane",
        "Logistic loss, inputs in R^d",
        plane_logistic_example,
        shattered_classes,
        ("the trained network", "the sphere classifier"),
    ),
)


def markdown() -> str:
    """Return a summary table and a section for each theorem, as Markdown."""
    return "\n".join(line for group in GROUPS for line in _group(group))


def rows(
    group: Group,
) -> list[tuple[Theorem | PlaneTheorem, Certificate, Certificate]]:
    """Return each theorem about the loss with its certificates at the two networks."""
    facts = FACTS[group.place]
    here, there = facts(*group.here()), facts(*group.there())
    return [
        (theorem, theorem.certify(here), theorem.certify(there))
        for theorem in THEOREMS[group.place](group.loss)
    ]


def _group(group: Group) -> Iterator[str]:
    found = rows(group)
    yield from (
        f"## {group.title}",
        "",
        *_summary(group, [row[:2] for row in found]),
        "",
    )
    for row in found:
        yield from _section(group, *row)


def _summary(
    group: Group, found: list[tuple[Theorem | PlaneTheorem, Certificate]]
) -> Iterator[str]:
    yield from (
        f":::{{list-table}} Both sides at {group.names[0]}",
        ":header-rows: 1",
        "",
    )
    yield from _row("Theorem", "Left", "Right", "Slack", "Verdict")
    for theorem, c in found:
        link = f"[`{theorem.name}`](#{_anchor(group, theorem)})"
        numbers = (_number(value) for value in (c.left, c.right, c.slack))
        yield from _row(link, *numbers, c.verdict)
    yield ":::"


def _row(*cells: str) -> Iterator[str]:
    for marker, cell in zip("*    ", cells, strict=True):
        yield f"{marker} - {cell}"


def _anchor(group: Group, theorem: Theorem | PlaneTheorem) -> str:
    where = "" if group.place == "line" else f"{group.place}-"
    return f"theorem-{where}{theorem.loss}-{theorem.name.replace('_', '-')}"


def _section(
    group: Group,
    theorem: Theorem | PlaneTheorem,
    here: Certificate,
    there: Certificate,
) -> Iterator[str]:
    formula = (inspect.getdoc(theorem.certify) or "").split("\n\n")[0]
    gamma = _number(here.details.get("gamma", np.nan))
    yield from (f"({_anchor(group, theorem)})=", f"### {theorem.name}", "")
    yield from (_escaped(theorem.meaning.format(gamma=gamma)), "")
    yield from (_escaped(formula), "")
    yield from ("```text", here.statement, "```", "", "Premises:", "")
    yield from (_escaped(f"- {premise}") for premise in here.assumptions)
    yield from ("", _escaped(f"Source: {here.source}."), "")
    yield (
        f"At {group.names[0]}: {_sides(here)}. At {group.names[1]}: {_sides(there)}."
    )
    yield ""


def _escaped(text: str) -> str:
    """Return plain text as one line of Markdown."""
    return " ".join(text.split()).replace("*", "\\*").replace("|", "\\|")


def _sides(certificate: Certificate) -> str:
    failed = "; ".join(certificate.failed_premises)
    sides = f"left {_number(certificate.left)}, right {_number(certificate.right)}"
    return f"{sides}, **{certificate.verdict}**" + (
        f" (not met: {failed})" if failed else ""
    )


def _number(value: float) -> str:
    return f"{value:.4g}" if np.isfinite(value) else "–"


class TheoremTable(SphinxDirective):
    """The directive `{theorem-table}`."""

    def run(self) -> list[nodes.Node]:
        """Render the Markdown of the table in the page."""
        self.env.note_reread()  # the code may have changed
        return self.parse_text_to_nodes(markdown(), allow_section_headings=True)


def setup(app: Any) -> dict[str, bool]:
    """Register the directive."""
    app.add_directive("theorem-table", TheoremTable)
    return {"parallel_read_safe": True}
