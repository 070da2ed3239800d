"""The claims of a file, one by one."""

from __future__ import annotations

import json
import sys
from collections.abc import Iterator, Sequence
from fractions import Fraction
from pathlib import Path
from typing import Any

from stepscape.cli.recheck.inequalities import Sides, inequalities
from stepscape.cli.recheck.inertia import exceeds_all
from stepscape.cli.recheck.intervals import Interval
from stepscape.cli.recheck.network import BLOCKS, Network, rayleigh

SAME = Fraction(1, 10**9)  # of its size: how far a side in the file may be from what comes out here


def network_of(document: dict[str, Any]) -> Network:
    """Read the data and the network of a document."""
    net = document["network"]
    x, w = ([_row(t) for t in part] for part in (document["inputs"], net["w1"]))
    y, v, b, a = (
        [number(t) for t in part] for part in (document["labels"], document["weights"], net["b1"], net["w2"])
    )
    trained = {name: name in net["trainable"] for name in BLOCKS}
    return Network(document["loss"] == "logistic", x, y, v, w, b, a, number(net["b2"]), trained)


def _row(given: str | list[str]) -> list[Fraction]:
    """Return the entries of an input or of its weights: one number is one variable."""
    return [number(t) for t in ([given] if isinstance(given, str) else given)]


def number(text: str) -> Fraction:
    """Return the exact number that hexadecimal digits say."""
    return Fraction(float.fromhex(text))


def checks(at: Network, document: dict[str, Any]) -> Iterator[tuple[str, bool]]:
    """Yield every claim of the file, and whether it is proved."""
    found: dict[str, Interval | None] = {}
    for name, letter in (("hessian", "H"), ("gauss_newton", "G")):
        claim = document[name]
        lower, upper = number(claim["lower"]), number(claim["upper"])
        least = rayleigh(at, [number(t) for t in claim["vector"]], name == "hessian")
        above = exceeds_all(at, upper, name == "hessian")
        yield f"λ_max({letter}) ≥ {float(lower):.12g}", least >= lower
        yield f"λ_max({letter}) ≤ {float(upper):.12g}", above
        found[name] = Interval(least, upper) if least >= lower and above else None
    hessian, linear = found["hessian"], found["gauss_newton"]
    claims = {name: claim for name, claim in document["certificates"].items() if claim["rechecked"]}
    sides = {}
    if at.smooth and hessian and linear:
        gammas = {name: number(claim["gamma"]) for name, claim in claims.items() if "gamma" in claim}
        sides = inequalities(at, hessian, linear, gammas)
    for name, claim in claims.items():
        left, right = number(claim["left"]), number(claim["right"])
        said = f"{name}: {claim['statement']}; {float(left):.6g} ≤ {float(right):.6g}"
        yield said, name in sides and _proved(sides[name], left, right)


def _proved(sides: Sides, left: Fraction, right: Fraction) -> bool:
    """Whether the inequality holds for sure, with the sides that the file says."""
    room = SAME * (abs(left) + abs(right) + 1)
    same = abs(left - sides.left.low) <= room and abs(right - sides.right.low) <= room
    return same and sides.left.high <= sides.right.low


def main(words: Sequence[str]) -> int:
    """Print what is proved; return the exit status."""
    path = Path(words[0]) if words else Path(__file__).with_name("certificate.json")
    try:
        document = json.loads(path.read_text(encoding="utf-8"))
        at = network_of(document)
        results = []
        for claim, proved in checks(at, document):
            print(f"{'proved' if proved else 'NOT PROVED':<11} {claim}", flush=True)
            results.append(proved)
        others = [name for name, claim in document["certificates"].items() if not claim["rechecked"]]
    except (OSError, ValueError, KeyError, TypeError) as error:
        print(f"{path}: this is not a certificate of stepscape ({error!r})", file=sys.stderr)
        return 2
    if others:
        print(f"not rechecked: {', '.join(others)}")
    print(
        "everything is proved"
        if all(results)
        else f"{results.count(False)} of {len(results)} claims are not proved"
    )
    return 0 if all(results) else 1


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
