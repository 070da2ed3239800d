"""The page of the demo: the argument from step size to simplicity, with the numbers of this run."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from statistics import median
from typing import Any

from stepscape.report import experiment
from stepscape.report.certificates import certificate_blocks
from stepscape.report.content import (
    Block,
    Commands,
    Drawing,
    Facts,
    Fold,
    Links,
    Page,
    Paragraph,
    Section,
)
from stepscape.report.experiment import size_badge
from stepscape.report.fit import fit_blocks
from stepscape.report.records import records_blocks
from stepscape.report.words import number

Document = Mapping[str, Any]

EXPLORER = "explorer.html"
_LEAD = (
    "A network with far more neurons than data is trained on thirty noisy points, without regularization. "
    "Only the step size of gradient descent changes, and training ends in a different function. This page "
    "shows that experiment, measures why it happens, and says which claims held and which did not."
)
_IDEA = (
    "Gradient descent with step size η cannot settle where the loss curves more steeply than 2/η: there "
    "it overshoots by more than it gains. The largest curvature, the `sharpness` λ_max, is the largest "
    "eigenvalue of the Hessian.",
    "A two-layer ReLU network of one input is a piecewise linear function. Every kink among the data raises "
    "the sharpness, so a flat network has little room to bend: half the sharpness bounds its bending, where "
    "each kink has a weight that is large in the middle of the data (Mulayoff et al., 2021; Qiao et al., "
    "2024).",
    "Put together: a large step size forces a flat network, and a flat network is a simple function. "
    "Following the noise of thirty labels takes more bending than a large step allows.",
)
_ARMS = (
    "Such an experiment is easy to get wrong, so each claim is judged in three arms, that is with three "
    "ways to start the training. The default start is PyTorch's initialization with a constant step "
    "size, which is how the tutorial reads. The small start scales the initialization down until even "
    "the largest step size starts below its threshold. The large start begins at a large initialization "
    "and raises the step size slowly. Every arm has its own verdict; `premise not met` means that the "
    "runs of an arm do not test the claim, for example because they diverged. `Equal time` means that "
    "the sum of the step sizes is the same, so that a small step size makes more steps. A network whose "
    "neurons have all died is flat for the wrong reason, so the neurons that still bend are counted "
    "everywhere."
)
_LIMITS = (
    "A certificate speaks about one network in the units of its data. It bounds how much the function bends, "
    "not how well it predicts: nothing limits it near the ends of the data, where the weight is zero, and a "
    "bound that holds with much slack explains little."
)


def demo_page(
    runs: Sequence[tuple[Document, Sequence[Drawing]]],
    network: Document,
    fit: tuple[Document, Sequence[Drawing]],
    still: Drawing,
    origin: str,
) -> Page:
    """Lay out the demo.

    Parameters
    ----------
    runs
        Documents of experiments, each with its drawings, in reading order.
    network
        One trained network: "facts" (pairs) and "certificates".
    fit
        The document of a fit of real data, with its drawings.
    still
        A picture of the explorer, which lies beside the page as `EXPLORER`.
    origin
        Versions, machine, time.
    """
    hero = next((drawing for _, drawings in runs for drawing in drawings), None)
    documents = [document for document, _ in runs]
    sections = [
        Section("What came out", _summary(documents)),
        Section("The idea", [*map(Paragraph, _IDEA), Paragraph(_ARMS), experiment.glossary(documents)]),
        Section("Drag the step size yourself", _explorer(still), "Live"),
        *[_experiment(document, [each for each in some if each is not hero]) for document, some in runs],
        Section("What is proved about one network", _certificates(network), "Certificates"),
        Section("The same method on real data", _fit(*fit), "Real data"),
        Section("What to do next", _next_steps()),
    ]
    return Page("The step size chooses the function", _LEAD, sections, origin, hero, [size_badge("quick")])


def _explorer(still: Drawing) -> list[Block]:
    return [
        Paragraph(
            "The explorer is a second page beside this one. In it a network like the one whose certificates "
            "stand below is trained live, on the same thirty points and from another random start: drag the "
            "step size up while it trains, and the function loses its bends while the sharpness comes down "
            "to the new 2/η; drag a point, and the function follows."
        ),
        still,
        Links("Open", [("the explorer", EXPLORER)]),
    ]


def _summary(documents: Sequence[Document]) -> list[Block]:
    return [
        *[Paragraph(text) for text in headline(documents)],
        Paragraph(
            "The picture and these numbers are of the quick size, with few seeds and short runs. Every "
            "claim has its verdicts below, each by a written rule; where the full size came to another word, "
            "it stands beside. `stepscape run NAME --full` runs the size that a verdict is about.",
            "aside",
        ),
    ]


def headline(documents: Sequence[Document]) -> list[str]:
    """Say in numbers of this run what a reader should remember."""
    fits = next(d["table"] for d in documents if d["experiment"]["name"] == "curve-fitting")
    edge = next(d["table"] for d in documents if d["experiment"]["name"] == "sharpness-vs-step-size")
    widest = max(row["half_width"] for row in fits)  # the range that the picture shows
    noisy = [row for row in fits if row["labels"] == "noisy" and row["half_width"] == widest]
    return [text for text in (_simpler(noisy), _at_the_edge(edge), _default_start(noisy)) if text]


def _simpler(rows: Sequence[Document]) -> str:
    done = [row for row in rows if row["arm"] == "warm_up" and row["outcome"] == "finished"]
    etas = sorted({row["step_size"] for row in done})
    if len(etas) < 2:
        return ""
    pieces = {eta: median(row["pieces"] for row in done if row["step_size"] == eta) for eta in etas}
    errors = {eta: median(row["risk"] for row in done if row["step_size"] == eta) for eta in etas}
    low, best, high = etas[0], min(etas, key=lambda eta: errors[eta]), etas[-1]
    seeds = len({row["seed"] for row in done})
    return (
        f"From the large start, raising the step size from {low:g} to {high:g} changed "
        f"the learned function from {number(pieces[low])} straight pieces to {number(pieces[high])}. Its "
        f"mean squared error to the truth was {errors[low]:.2g} at {low:g}, {errors[high]:.2g} at {high:g}, "
        f"and lowest, {errors[best]:.2g}, at {best:g} (medians over {seeds} seeds; the verdicts say whether "
        "such differences are more than chance)."
    )


def _at_the_edge(rows: Sequence[Document]) -> str:
    ratios = [row.get("median_edge_ratio") for row in rows if row["arm"] == "warm_up"]
    known = [ratio for ratio in ratios if ratio is not None]
    if not known:
        return ""
    return (
        f"From the same start, the sharpness ended at {median(known):.3f} times 2/η (median over "
        f"{len(known)} runs; lowest {min(known):.2f}, highest {max(known):.2f})."
    )


def _default_start(rows: Sequence[Document]) -> str:
    default = [row for row in rows if row["arm"] == "as_printed"]
    lost = [row for row in default if row["outcome"] == "diverged"]
    if not default:
        return ""
    return (
        f"From the default start, {len(lost)} of {len(default)} runs on the noisy labels diverged: the "
        "experiment needs a start that survives large steps."
    )


def _experiment(document: Document, drawings: Sequence[Drawing]) -> Section:
    about = document["experiment"]
    numbers = experiment.judgments(document, sentences=False)
    blocks: list[Block] = [
        Paragraph(f"The claim: {about['claim']}"),
        *drawings,
        *experiment.judgments(document, numbers=False),
        Fold("Numbers behind the verdicts", numbers, printed=True),
        Fold(
            "The setup, and every measurement",
            [*experiment.setup(document), *records_blocks(document["table"])],
        ),
    ]
    return Section(about["title"], blocks)


_MEASURED = {
    "width": "neurons",
    "step_size": "step size η",
    "threshold": "threshold 2/η",
    "sharpness": "sharpness λ_max of the midpoint of the last two iterates",
    "sharpness_residual": "residual of the sharpness: some eigenvalue is this close to it",
    "trace": "trace of the Hessian",
    "bent_neurons": "neurons whose kink lies among the data",
    "loss": "training loss, 1/(2n) Σ r²",
    "risk": "mean squared error to the truth at the inputs",
}


def _certificates(network: Document) -> list[Block]:
    lead = (
        "Here is one network of the first experiment, from the large start with warm-up, at step size "
        f"{number(network['step_size'])}. Its sharpness was measured with an error bar, its kinks were read "
        "off its weights, and both sides of every inequality were evaluated."
    )
    return [
        Paragraph(lead),
        Facts([(term, network[name]) for name, term in _MEASURED.items()], columns=2),
        *certificate_blocks(network["certificates"]),
        *_interpolation(network["certificates"]),
        Paragraph(_LIMITS),
    ]


def _interpolation(certificates: Document) -> list[Block]:
    least = certificates["interpolation"]["left"]
    if not least:
        return []
    return [
        Paragraph(
            "The last certificate is about the data alone. Every network that passes through all thirty "
            f"labels has sharpness at least {number(least)}, so gradient descent cannot stay at any of them "
            f"with a step size above 2/{number(least)} = {number(2 / least)}. Larger steps cannot fit all of "
            "the noise."
        )
    ]


def _fit(document: Document, drawings: Sequence[Drawing]) -> list[Block]:
    lead = (
        "Head acceleration in a simulated motorcycle crash (Silverman, 1985): 133 measurements, quiet "
        "at first, then violent, with noise that changes along the way. Cross-validation chose the step "
        "size. It controls the smoothness as long as training reaches the edge of stability; with smaller "
        "steps, stopping early smooths the fit as well, and the lower panel shows where that begins."
    )
    return [Paragraph(lead), *fit_blocks(document, drawings)]


def _next_steps() -> list[Block]:
    return [
        Commands(
            [
                ("stepscape fit data.csv --x COLUMN --y COLUMN", "fits a table of your own"),
                ("stepscape run curve-fitting --full", "runs the central experiment at its real size"),
                ("stepscape list", "lists the experiments, each with its claim"),
                (
                    "stepscape run sharpness-vs-step-size --set step_sizes=0.1,0.2 --out mine",
                    "changes a setting; a wrong key lists all of them",
                ),
                (
                    "import stepscape as ss",
                    "in Python: `ss.train`, `ss.sharpness`, `ss.certify`, `ss.StepSizeRegressor`",
                ),
            ]
        ),
        Paragraph("Every command takes `--json` and `--help`."),
    ]
