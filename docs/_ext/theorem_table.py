"""The theorem table: every function of `stepscape.theory` that returns a certificate, evaluated.

Nothing is retyped: names, statements, premises, sources and numbers come from the code at build time.
"""

from __future__ import annotations

import inspect
from collections.abc import Callable, Iterator
from typing import Any

import numpy as np
from docutils import nodes
from sphinx.util.docutils import SphinxDirective

import stepscape as ss
from stepscape.curvature import Hessian
from stepscape.theory import Certificate


def theorems() -> Iterator[tuple[str, Callable[..., Certificate]]]:
    """Public functions of `stepscape.theory` that return a certificate."""
    for name in ss.theory.__all__:
        value = getattr(ss.theory, name)
        if inspect.isfunction(value) and inspect.signature(value).return_annotation in (
            "Certificate",
            Certificate,
        ):
            yield name, value


def example() -> tuple[ss.Problem, ss.TwoLayerReLU]:
    """Return the problem and the trained network of the tutorial."""
    problem = ss.problems.tent(n=30, noise=0.5, seed=0, half_width=3.0)
    start = ss.TwoLayerReLU.random(100, scale=0.3, seed=0)
    return problem, ss.train(
        problem, start, ss.GradientDescent(0.2, 40_000), measure_sharpness=False
    ).network


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
    if problem.truth is not None:
        known["mse"] = problem.design_error(net.predict(problem.inputs))
    return {name: value for name, value in known.items() if value is not None}


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


def markdown() -> str:
    """Return a summary table and a section for each theorem, as Markdown."""
    tutorial, printed = facts(*example()), facts(*counterexample())
    rows = [
        (name, function, evaluate(function, tutorial), evaluate(function, printed))
        for name, function in theorems()
    ]
    sections = [line for row in rows for line in _section(*row)]
    return "\n".join(["## All at once", "", *_summary(rows), "", *sections])


def _summary(rows: list[Any]) -> list[str]:
    head = [
        ":::{list-table} Both sides at the trained network of the tutorial",
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
) -> Iterator[str]:
    yield f"(theorem-{name.replace('_', '-')})="
    yield f"## {name}"
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
    yield f"At the tutorial's network: {_sides(here)}. At the counterexample: {_sides(there)}."
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
