"""The command ``certify``: a saved network and a table → certificates, and their recheck."""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from stepscape import files
from stepscape.cli import console, values
from stepscape.cli.certificate_lines import certificate_lines
from stepscape.cli.fit import LOSSES
from stepscape.cli.interrupt import Unfinished
from stepscape.cli.output import output_directory
from stepscape.cli.provenance import Clock, provenance
from stepscape.cli.recheck_script import recheck_script
from stepscape.errors import bad

if TYPE_CHECKING:
    from stepscape.network import TwoLayerReLU
    from stepscape.problems.problem import Problem
    from stepscape.problems.user.columns import Columns

PROVED, NOT_PROVED = "proved", "not proved"


@dataclass(frozen=True)
class Request:
    """What the command line asks for, checked."""

    network: str
    file: str
    x: str
    y: str
    out: str
    loss: str
    event: str | None
    recheck: bool

    @classmethod
    def parse(
        cls,
        network: str,
        file: str,
        x: str,
        y: str,
        out: str | None,
        loss: str,
        event: str | None,
        recheck: bool,
    ) -> Request:
        """Check the words of the command line that need no file."""
        stem = Path(network).name.removesuffix(".npz") or "network"
        into = out or f"{stem}-certified"
        return cls(network, file, x, y, into, values.choice("loss", loss, LOSSES), event, recheck)


def certify(request: Request, force: bool, as_json: bool, unfinished: Unfinished) -> None:
    """Certify a network on a table and write the directory."""
    from stepscape.measures.export import exported

    clock = Clock()
    network, columns, problem = _read(request)
    with output_directory(request.out, force, unfinished) as directory:
        exact, found = exported(problem, network)
        proofs = _proofs(exact) if request.recheck else {}
        document = {
            "command": "certify",
            "network": {
                "file": request.network,
                "width": network.width,
                "trainable": list(network.trainable),
            },
            "data": _data(request, columns),
            "loss": problem.loss,
            **{name: _sides(exact[name]) for name in ("hessian", "gauss_newton")},
            "certificates": {name: certificate.record() for name, certificate in found.items()},
            "proofs": proofs,
            "warnings": [*filter(None, (*columns.notes, columns.doubt))],
            "directory": request.out,
            "provenance": provenance(clock),
        }
        files.write_atomic(directory / "result.json", console.to_json(document))
        files.write_atomic(directory / "certificate.json", json.dumps(exact, indent=1) + "\n")
        files.write_atomic(directory / "recheck.py", recheck_script())
    for warning in document["warnings"]:
        console.warn(warning)
    console.answer(document, lines(document), as_json)


def _read(request: Request) -> tuple[TwoLayerReLU, Columns, Problem]:
    from stepscape.network import TwoLayerReLU
    from stepscape.problems.problem import Problem
    from stepscape.problems.user.column_names import column_names
    from stepscape.problems.user.columns import select_columns
    from stepscape.problems.user.file import read_table

    network, table = TwoLayerReLU.load(request.network), read_table(request.file)
    names = column_names(table, "x", request.x)
    if network.dimension != len(names):
        must = f"have as many input variables as x names columns ({len(names)})"
        raise bad("network", must, network.dimension)
    x = names[0] if len(names) == 1 else names
    columns = select_columns(table, x, request.y, request.loss, request.event)
    problem = Problem(columns.x, columns.y, "logistic" if columns.classes else "square")
    return network, columns, problem


def _data(request: Request, columns: Columns) -> dict[str, Any]:
    return {
        "file": request.file,
        "x": list(columns.features) or columns.x_name,
        "y": columns.y_name,
        "rows": columns.rows,
        "used": len(columns.x),
        "dropped": dict(columns.dropped),
        "classes": list(columns.classes),
        "recognized": list(columns.readings),
    }


def _sides(claim: dict[str, Any]) -> dict[str, float]:
    return {name: float.fromhex(claim[name]) for name in ("lower", "upper")}


def _proofs(exact: dict[str, Any]) -> dict[str, str]:
    from stepscape.cli.recheck.claims import checks, network_of

    with console.progress("recheck") as progress:
        progress(0.0, "rechecking in exact arithmetic")
        return {claim: PROVED if proved else NOT_PROVED for claim, proved in checks(network_of(exact), exact)}


def lines(document: dict[str, Any]) -> list[str]:
    """Print what was certified: the sides of λ_max, the certificates, what is proved, what was written."""
    from stepscape.problems.user.columns import some

    net, data, where = document["network"], document["data"], document["directory"]
    x = data["x"] if isinstance(data["x"], str) else some(data["x"])
    said = [
        f"{net['file']} (width {net['width']}) on {data['y']} against {x}: "
        f"{data['used']} of {data['rows']} rows used, {document['loss']} loss"
    ]
    said += [f"  dropped {rows}: {why}" for why, rows in data["dropped"].items()]
    said += [console.paragraph(text, "  ") for text in data["recognized"]]
    sides = [
        (letter, f"{document[name]['lower']:.12g} ≤ λ_max ≤ {document[name]['upper']:.12g}")
        for letter, name in (("H", "hessian"), ("G", "gauss_newton"))
    ]
    said += [
        "",
        "Largest eigenvalues of the Hessian H and of its Gauss–Newton part G:",
        *console.columns(sides),
    ]
    said += ["", "Certificates:", *certificate_lines(document["certificates"], "network")]
    if document["proofs"]:
        said += ["", "Rechecked in exact and interval arithmetic:"]
        said += console.columns((word, claim) for claim, word in document["proofs"].items())
    else:
        said += ["", f"Nothing is proved yet: run  python {where}/recheck.py  (or add --recheck)"]
    return [*said, "", f"Wrote {where}: certificate.json, recheck.py, result.json"]
