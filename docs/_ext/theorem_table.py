"""The theorem table: every function of `stepscape.theory` that returns a certificate, evaluated.

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
from stepscape.objectives import Hessian
from stepscape.theory import Certificate


def theorems(loss: str = "square") -> Iterator[tuple[str, Callable[..., Certificate]]]:
    """Public functions of `stepscape.theory` that return a certificate about a loss.

    Those of the logistic loss ask for the predictions: their weights depend on f.
    """
    for name in ss.theory.__all__:
        value = getattr(ss.theory, name)
        if inspect.isfunction(value):
            signature = inspect.signature(value)
            logistic = "predictions" in signature.parameters
            if signature.return_annotation in (
                "Certificate",
                Certificate,
            ) and logistic == (loss == "logistic"):
                yield name, value


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


def facts(problem: ss.Problem, net: ss.TwoLayerReLU) -> dict[str, Any]:
    """Everything that a theorem may ask for, by the name of its argument."""
    top, linear = (
        ss.sharpness(problem, net),
        ss.sharpness(problem, net, gauss_newton=True),
    )
    operator = Hessian(problem, net)
    known = {
        "w1": net.w1,
        "b1": net.b1,
        "w2": net.w2,
        "inputs": problem.inputs,
        "labels": problem.labels,
        "weights": problem.weights,
        "trainable": net.trainable,
        "largest_eigenvalue": linear.value,
        "sharpness": top.value,
        "residual": max(top.residual, linear.residual),
        "residual_norm": operator.residual_norm,
        "loss": operator.loss,
        "noise": problem.noise,
    }
    if problem.loss == "logistic":
        known |= _of_the_logits(problem, net)
        unsure = evaluate(ss.theory.uncertain, known).right
        known["bound"] = max(unsure, 0.0) if np.isfinite(unsure) else 0.0
    elif problem.truth is not None:
        known["mse"] = problem.design_error(net.predict(problem.inputs))
    return {name: value for name, value in known.items() if value is not None}


def _of_the_logits(problem: ss.Problem, net: ss.TwoLayerReLU) -> dict[str, Any]:
    x = problem.inputs
    return {
        "b2": net.b2,
        "predictions": net.predict(x),
        "truth": None if problem.truth is None else problem.truth(x),
        "gamma_truth": 1.0,
        "gamma": 2.0,
    }


def evaluate(
    function: Callable[..., Certificate], known: dict[str, Any]
) -> Certificate:
    """Call a theorem with those of the facts that it takes."""
    return function(
        **{
            name: known[name]
            for name in inspect.signature(function).parameters
            if name in known
        }
    )


def counterexample() -> tuple[ss.Problem, ss.TwoLayerReLU]:
    """Return the problem and network on which the printed form fails."""
    inputs, labels, w1, b1, w2, b2 = ss.theory.counterexample()
    return ss.Problem(inputs, labels), ss.TwoLayerReLU(w1, b1, w2, b2)


@dataclass(frozen=True)
class Group:
    """Theorems about one loss and the two networks at which they are evaluated."""

    loss: str
    title: str
    here: Callable[[], tuple[ss.Problem, ss.TwoLayerReLU]]
    there: Callable[[], tuple[ss.Problem, ss.TwoLayerReLU]]
    names: tuple[str, str]


GROUPS = (
    Group(
        "square",
        "Square loss",
        example,
        counterexample,
        ("the tutorial's network", "the counterexample"),
    ),
    Group(
        "logistic",
        "Logistic loss",
        logistic_example,
        flat_and_wrong,
        ("the trained network", "the flat interpolator"),
    ),
)


def markdown() -> str:
    """Return a summary table and a section for each theorem, as Markdown."""
    return "\n".join(line for group in GROUPS for line in _group(group))


def _group(group: Group) -> Iterator[str]:
    here, there = facts(*group.here()), facts(*group.there())
    rows = [
        (name, function, evaluate(function, here), evaluate(function, there))
        for name, function in theorems(group.loss)
    ]
    yield from (f"## {group.title}", "", *_summary(rows, group.names), "")
    for row in rows:
        yield from _section(*row, group.names)


def _summary(rows: list[Any], names: tuple[str, str]) -> list[str]:
    head = [
        f":::{{list-table}} Both sides at {names[0]}",
        ":header-rows: 1",
        "",
    ]
    lines = ["* - Theorem", "  - Left", "  - Right", "  - Slack", "  - Verdict"]
    for name, _, here, _ in rows:
        anchor = f"theorem-{name.replace('_', '-')}"
        lines += [
            f"* - [`{name}`](#{anchor})",
            f"  - {_number(here.left)}",
            f"  - {_number(here.right)}",
        ]
        lines += [f"  - {_number(here.slack)}", f"  - {here.verdict}"]
    return [*head, *lines, ":::"]


def _section(
    name: str,
    function: Callable[..., Certificate],
    here: Certificate,
    there: Certificate,
    names: tuple[str, str],
) -> Iterator[str]:
    yield f"(theorem-{name.replace('_', '-')})="
    yield f"### {name}"
    yield ""
    yield (
        (inspect.getdoc(function) or "")
        .split("\n\n")[0]
        .replace("\n", " ")
        .replace("*", "\\*")
        .replace("|", "\\|")
    )
    yield ""
    yield from ("```text", here.statement, "```", "")
    yield "Premises:"
    yield ""
    yield from (_escaped(f"- {premise}") for premise in here.assumptions)
    yield ""
    yield _escaped(f"Source: {here.source}.")
    yield ""
    yield f"At {names[0]}: {_sides(here)}. At {names[1]}: {_sides(there)}."
    yield ""


def _escaped(text: str) -> str:
    """Return plain text as one line of Markdown."""
    return " ".join(text.split()).replace("*", "\\*").replace("|", "\\|")


def _sides(certificate: Certificate) -> str:
    unmet = f" (not met: {'; '.join(certificate.unmet)})" if certificate.unmet else ""
    sides = f"left {_number(certificate.left)}, right {_number(certificate.right)}"
    return f"{sides}, **{certificate.verdict}**{unmet}"


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
