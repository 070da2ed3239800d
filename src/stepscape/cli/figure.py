"""The command ``figure``: one figure as a file, for a page, a paper or a talk."""

from __future__ import annotations

import os
from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from stepscape.cli import console, values
from stepscape.cli.interrupt import Unfinished
from stepscape.cli.one_file import check_target, write_target
from stepscape.cli.stored_figures import stored_figures
from stepscape.cli.surroundings import own_style
from stepscape.errors import InputError, unknown

if TYPE_CHECKING:
    from stepscape.experiments.frame import Drawn


@dataclass(frozen=True)
class Request:
    """What was asked for on the command line.

    Attributes
    ----------
    name, figure : an experiment and one of its figures ("" for the first), or an illustration and "".
    purpose, kind : what for, and in which format.
    out : the file.
    source : directory of results to draw from; None to run the experiment.
    """

    name: str
    figure: str
    purpose: str
    kind: str
    out: str
    force: bool
    source: str | None
    full: bool
    workers: int

    @classmethod
    def parse(
        cls,
        name: str,
        purpose: str,
        kind: str | None,
        out: str | None,
        force: bool,
        source: str | None,
        full: bool,
        workers: str,
    ) -> Request:
        """Read the words of a command line."""
        from stepscape.figures.output import FORMATS as KINDS
        from stepscape.figures.purpose import FORMATS

        subject, _, figure = name.partition("/")
        known = names()
        if subject not in known:
            raise unknown("figure", subject, known)
        if (source is not None or full) and subject not in _experiments():
            raise InputError(f"{subject} is one small run: leave --from and --full out")
        if source is not None and full:
            raise InputError("--from draws what is on record: leave --full out")
        values.choice("purpose", purpose, FORMATS)
        suffix = os.path.splitext(out)[1].lstrip(".").lower() if out else ""
        kind = kind or (suffix if suffix in KINDS else FORMATS[purpose])
        values.choice("format", kind, KINDS)
        target = out or f"{name.replace('/', '-')}.{kind}"
        return cls(
            subject, figure, purpose, kind, target, force, source, full, values.whole("--workers", workers)
        )


def names() -> list[str]:
    """Pictures of small runs, and experiments."""
    from stepscape.experiments.pictures import NAMES

    return [*NAMES, *_experiments()]


def _experiments() -> list[str]:
    from stepscape import experiments

    return experiments.names()


def draw_figure(request: Request, as_json: bool, _unfinished: Unfinished) -> None:
    """Draw one figure and write it."""
    from stepscape.figures import output
    from stepscape.figures.purpose import prepare

    check_target(request.out, request.force)
    with own_style():
        name, drawn = _chosen(_drawn(request), request)
        prepare(drawn.figure, request.purpose)
        content = output.document(drawn.figure, request.kind)
    write_target(request.out, content, request.force)
    document = {
        "command": "figure",
        "name": request.name,
        "figure": name,
        "for": request.purpose,
        "format": request.kind,
        "inches": [float(side) for side in drawn.figure.get_size_inches()],
        "file": request.out,
        "size": _size(request),
        "caption": drawn.caption,
    }
    console.answer(document, _lines(document), as_json)


def _size(request: Request) -> str:
    if request.source is not None:
        return "as stored"
    return "full" if request.full else "quick"


def _drawn(request: Request) -> Mapping[str, Drawn]:
    """All figures of what was asked for, by name."""
    from stepscape import experiments
    from stepscape.experiments import pictures

    if request.name in pictures.NAMES:
        return {request.name: pictures.draw(request.name)}
    if request.source is not None:
        return stored_figures(request.name, request.source)
    claim = experiments.get(request.name)
    with console.progress(request.name, workers=request.workers) as progress:
        result = experiments.run(claim, progress=progress, workers=request.workers, full=request.full)
    return claim.draw(result)


def _chosen(drawn: Mapping[str, Drawn], request: Request) -> tuple[str, Drawn]:
    """Choose the figure by its name, or the first."""
    if not request.figure:
        return next(iter(drawn.items()))
    if request.figure not in drawn:
        raise unknown(f"figure of {request.name}", request.figure, drawn)
    return request.figure, drawn[request.figure]


def _lines(document: Mapping[str, Any]) -> list[str]:
    wide, high = document["inches"]
    lines = [f"wrote {document['file']}: {wide:g} x {high:g} inches", console.paragraph(document["caption"])]
    if document["size"] == "quick" and document["name"] in _experiments():
        lines.append("This was the quick size; --full runs the size that the verdict is about.")
    return lines
