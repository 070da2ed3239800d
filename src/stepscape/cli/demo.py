"""The command ``demo``: everything once, quickly, in one report."""

from __future__ import annotations

import time
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

from stepscape import files
from stepscape.cli import artifacts, console
from stepscape.cli import json_documents as documents
from stepscape.cli.carry_out import Outcome
from stepscape.cli.interrupt import Unfinished
from stepscape.cli.output import output_directory
from stepscape.cli.provenance import Clock, colophon, provenance
from stepscape.cli.surroundings import own_style

if TYPE_CHECKING:
    from stepscape.experiments.frame import Drawn

_EXPERIMENTS = ("curve-fitting", "sharpness-vs-step-size")  # those that take seconds and tell the story
_STEP_SIZE = 0.4  # of the network that is certified: one of the first figure
_SEED = 0
_EXPECTED = 60.0  # seconds on two cores, of which compiling takes half the first time
_EXAMPLE = "motorcycle"
_FIT_SETTINGS: dict[str, Any] = {}  # those of the command fit
Document = dict[str, Any]


@dataclass(frozen=True)
class _Part:
    """A document and its figures with their captions, by name."""

    document: Document
    drawn: Mapping[str, Drawn] = field(default_factory=dict)


def demo(out: str, force: bool, as_json: bool, unfinished: Unfinished) -> None:
    """Run experiments at quick size, certify a network, fit real data; write a report and the explorer."""
    clock = Clock()
    with own_style(), output_directory(out, force, unfinished) as directory:
        with console.progress("demo", _EXPECTED) as progress:
            runs, network, fit = _compute(progress)
        document = {
            "command": "demo",
            "runs": {name: part.document for name, part in runs.items()},
            "network": network,
            "fit": fit.document,
            "directory": out,
            "provenance": provenance(clock),
        }
        _write(directory, document, runs, fit)
    console.answer(document, _lines(document), as_json)


def _compute(progress: console.Progress) -> tuple[dict[str, _Part], Document, _Part]:
    progress(0.0, "compiling the kernels (once after installation)")
    network = _network(_share(progress, 0.05, 0.15))
    runs = {}
    for i, name in enumerate(_EXPERIMENTS):
        runs[name] = _experiment(name, _share(progress, 0.15 + 0.3 * i, 0.45 + 0.3 * i))
    return runs, network, _fit(_share(progress, 0.75, 1.0))


def _share(progress: console.Progress, start: float, end: float) -> console.Progress:
    return lambda fraction, message: progress(start + (end - start) * fraction, message)


def _experiment(name: str, progress: console.Progress) -> _Part:
    from stepscape import experiments

    claim = experiments.get(name)
    started = time.process_time()
    result = experiments.run(claim, claim.settings(), progress)
    carried = Outcome(result, [], {name: time.process_time() - started})
    return _Part(documents.claim_document(claim, carried, full=False), claim.draw(result))


def _network(progress: console.Progress) -> Document:
    """Train the network that the first experiment draws in its last arm, and certify it."""
    from stepscape import experiments, problems
    from stepscape.experiments.common.arms import start
    from stepscape.measures import certify
    from stepscape.objectives import hessian_trace, sharpness
    from stepscape.training import train

    setting = experiments.get("curve-fitting").quick
    seed, steps = setting["first_seed"], setting["steps"]
    problem = problems.curve(
        setting["truth"], setting["n"], setting["noise"], seed, half_width=setting["half_widths"][0]
    )
    begin = start("warm_up", problem, setting["width"], seed, max(setting["step_sizes"]))
    run = train(
        problem,
        begin.network,
        begin.method(_STEP_SIZE, steps),
        record_every=max(1, steps // 40),
        progress=lambda made: progress(made / steps, "training a network to certify"),
    )
    solution = run.midpoint
    top = sharpness(problem, solution)
    return {
        "step_size": _STEP_SIZE,
        "threshold": 2.0 / _STEP_SIZE,
        "sharpness": top.value,
        "sharpness_residual": top.error,
        "trace": hessian_trace(problem, solution),
        "width": solution.width,
        "bent_neurons": int(run.bent_neurons[-1]),
        "loss": float(run.loss[-1]),
        "risk": problem.design_error(solution.predict(problem.inputs)),
        "certificates": {name: c.record() for name, c in certify(problem, solution).items()},
    }


def _explorer() -> str:
    """Return the explorer, which begins as the run whose network is certified, from another random start."""
    from stepscape import experiments
    from stepscape.explorer.page_data import CurveData, Method, Setup, Start
    from stepscape.explorer.pages import page_of

    setting = experiments.get("curve-fitting").quick
    seed, half_width = setting["first_seed"], setting["half_widths"][0]
    data = CurveData(setting["truth"], setting["n"], setting["noise"], half_width, seed)
    method = Method(_STEP_SIZE, warmup_steps=setting["steps"] // 10)
    return page_of(Setup("square", data, Start("large", setting["width"], seed), method))


def _fit(progress: console.Progress) -> _Part:
    from stepscape.estimators import fit_table
    from stepscape.experiments.frame import Drawn
    from stepscape.figures import of_fit
    from stepscape.problems.user.example import load_example
    from stepscape.report.captions import caption

    data = load_example(_EXAMPLE)
    fitted = fit_table(
        data.x,
        data.y,
        x_name=data.x_name,
        y_name=data.y_name,
        seed=_SEED,
        progress=lambda fraction, _: progress(fraction, "fitting the motorcycle data"),
        **_FIT_SETTINGS,
    )
    document = documents.fit_document(fitted, data) | {"warnings": list(fitted.warnings)}
    drawn = of_fit(fitted)
    return _Part(document, {name: Drawn(each, caption("fit", name)) for name, each in drawn.items()})


def _write(directory: Path, document: Document, runs: Mapping[str, _Part], fit: _Part) -> None:
    from stepscape.cli.claim_figures import shown
    from stepscape.explorer.still import ALT, still
    from stepscape.report import Drawing, draw, render
    from stepscape.report.demo import EXPLORER, demo_page
    from stepscape.tables.records import plain

    def drawn(subject: str, part: _Part) -> tuple[Document, list[Drawing]]:
        kept = shown(part.drawn).items()
        drawings = [draw(each.figure, f"{subject}-{name}", each.caption) for name, each in kept]
        return plain(part.document), drawings

    pages = [drawn(name, part) for name, part in runs.items()]
    caption = "The explorer after six runs, one for each step size."
    live = Drawing("explorer", still(), caption, ALT, width=8.0)
    origin = colophon(document["provenance"])
    page = demo_page(pages, plain(document["network"]), drawn("fit", fit), live, origin)
    artifacts.write_result(directory, document, render(page))
    files.write_atomic(directory / EXPLORER, _explorer())


def _lines(document: Document) -> list[str]:
    from stepscape.report.demo import EXPLORER
    from stepscape.report.words import VERDICTS

    lines = []
    for run in document["runs"].values():
        lines.append(run["experiment"]["title"])
        lines += console.columns(
            (
                verdict["words"] or part,
                VERDICTS[verdict["word"]][1],
                documents.at_full_size(verdict["word"], run["full_size"].get(part)).strip(),
            )
            for part, verdict in run["verdicts"].items()
        )
    held = [entry["verdict"] for entry in document["network"]["certificates"].values()]
    fit = document["fit"]["fit"]
    lines += [
        f"Certificates of one trained network: {held.count('holds')} hold, {held.count('violated')} "
        f"violated, {held.count('inapplicable')} inapplicable (a premise is not met, so it says nothing)",
        f"Motorcycle data: step size {fit['step_size']:.3g}, {fit['measures']['pieces']} pieces",
        "",
        f"{document['provenance']['seconds']:.0f} s. Open {document['directory']}/report.html in a browser; "
        f"{document['directory']}/{EXPLORER} lets you drag the step size yourself.",
    ]
    return lines
