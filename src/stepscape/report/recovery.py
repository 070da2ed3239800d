"""Turn the document of a recovery and its drawings into content; its words serve the terminal, too."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

from stepscape.report.certificates import certificate_blocks
from stepscape.report.content import Block, Cell, Drawing, Facts, Formula, Grid, Page, Paragraph, Section
from stepscape.report.fit import warning_blocks
from stepscape.report.words import number, plus_minus, sentence
from stepscape.tables.number import number as two_digits

Document = Mapping[str, Any]
SAME = 1e-3  # relative distance up to which two matrices count as the same
TRUE = 1e-5  # relative error up to which a matrix counts as the truth
_KINDS = {"any": "", "symmetric": "symmetric ", "psd": "positive semidefinite "}
_NAMES = {"flattest": "flattest", "nuclear": "nuclear norm", "frobenius": "Frobenius norm"}
_UNIQUE = {True: "yes, by a certificate", False: "no, another is as good", None: "not decided"}


def recovery_page(document: Document, drawings: Sequence[Drawing], origin: str) -> Page:
    """Lay out one recovery: the solutions, the flat factors, their certificates, the measurements."""
    data, flat = document["data"], document["flat"]
    head, *rows = solution_rows(document)
    said = [*comparison(document)[1:], difference_words(document)]
    sections = [
        Section(
            "The matrix",
            [
                *warning_blocks(document),
                *drawings,
                *map(Paragraph, map(sentence, said)),
                Grid("Three matrices, each the smallest in its own norm", head, rows),
            ],
        ),
        *([Section("Flat factors", [Facts(flat_facts(document))])] if flat else []),
        *(
            [Section("Certificates", _certificates(flat["certificates"]))]
            if flat and flat["certificates"]
            else []
        ),
        Section("The data", [Facts(_data(document))]),
        Section("Files", [Paragraph(_FILES)]),
        Section("What the words mean", [_GLOSSARY]),
    ]
    return Page(f"A matrix from {data['file']}", sentence(comparison(document)[0]), sections, origin)


def read_words(data: Document) -> str:
    """Say in one line what was read.

    >>> print(read_words({"file": "a.npz", "measurements": 9, "kind": "entries of X", "shape": [3, 4],
    ...                   "structure": "any", "truth": True, "noise": 0.5}))
    a.npz: 9 measurements (entries of X) of a matrix X of shape 3×4; it holds the truth; noise 0.5
    """
    known = ["it holds the truth"] if data["truth"] else []
    known += [f"noise {number(data['noise'])}"] if data["noise"] else []
    what = f"{data['measurements']} measurements ({data['kind']}) of a {_matrix(data)}"
    return "; ".join([f"{data['file']}: {what}", *known])


def _matrix(data: Document) -> str:
    d1, d2 = data["shape"]
    return f"{_KINDS[data['structure']]}matrix X of shape {d1}×{d2}"


def comparison(document: Document) -> list[str]:
    """Say in one sentence what came out, then what else a reader should know."""
    found, data = document["solutions"]["flattest"], document["data"]
    said = [_headline(found, data["truth"], document["penalty"]["used"])]
    if document["constant_trace"] and found["status"] != "infeasible":
        said.append(
            "every positive semidefinite solution is equally flat, so that the trace selects none of them: "
            "what singles out X is that it must be positive semidefinite"
        )
    return said


def _headline(found: Document, truth: bool, penalty: float | None) -> str:
    if found["status"] == "infeasible":
        return "no matrix satisfies all equations; with a penalty the labels need not be fitted exactly"
    if found["rank"] == 0:
        return "X = 0 is the answer: it has the smallest value"
    how = f"with the penalty {number(penalty)}" if penalty else "that fits all labels"
    said = f"the flattest matrix {how} has rank {found['rank']}"
    if not truth or _known(found["error"]) is None:  # a tiny truth can be missed by more than float64 holds
        return said
    close = "is the truth up to" if found["error"] <= TRUE else "misses the truth by"
    return f"{said} and {close} {small(found['error'])} of its norm"


def difference_words(document: Document) -> str:
    """Say whether the flattest and the nuclear-norm solution are the same."""
    apart = document["difference"]
    both = "the flattest matrix and the one of least nuclear norm"
    if apart <= SAME:
        return f"{both} are the same up to {small(apart)} of their norm"
    return f"{both} differ by {small(apart)} of their norm"


def solution_rows(document: Document) -> list[tuple[str, ...]]:
    """Set the solutions side by side: one row for each property, the names first."""
    solutions = [document["solutions"][name] for name in _NAMES]
    with_penalty, with_truth = document["penalty"]["used"], document["data"]["truth"]
    rows: list[tuple[str, str, Callable[[Any], str]]] = [
        ("minimizes", "minimizes", str),
        ("status", "status", str),
        ("norm", "objective", number),
        *([("loss + penalty·norm", "value", number)] if with_penalty else []),
        ("relative duality gap", "gap", lambda gap: small(max(gap, 0.0))),
        ("rank", "rank", number),
        ("the only one", "unique", _UNIQUE.__getitem__),
        ("residual", "residual", small),
        *([("error to the truth", "error", small)] if with_truth else []),
        ("Hessian trace", "trace", number),
    ]
    body = [(words, *(write(each[key]) for each in solutions)) for words, key, write in rows]
    return [("", *_NAMES.values()), *body]


def small(value: float | None) -> str:
    """Write a number of which two digits are enough.

    >>> small(6.919e-16), small(0.1234), small(None)
    ('6.9 × 10⁻¹⁶', '0.12', '–')
    """
    return two_digits(_known(value), 2)


def flat_facts(document: Document) -> list[tuple[str, str]]:
    """Say what holds at the flat factors, each with what it is."""
    flat = document["flat"]
    if _known(flat["sharpness"]) is None:
        return [("Hessian trace", number(flat["trace"]))]
    columns = " and ".join(str(count) for count in dict.fromkeys(flat["columns"]))
    step = _known(flat["step_size"])
    largest = (
        f"{number(step)} = 2/λ_max: with a larger step size gradient descent leaves these factors"
        if step is not None
        else "– (with a penalty the factors do not minimize the loss alone)"
    )
    return [
        ("columns", columns),
        ("Hessian trace", number(flat["trace"])),
        ("sharpness λ_max", plus_minus(flat["sharpness"], flat["sharpness_residual"])),
        ("largest step size", largest),
        ("norm excess", f"{number(flat['norm_excess'])} (0 for factors of the least norm)"),
        ("imbalance", f"{number(flat['imbalance'])} (0 for balanced factors)"),
    ]


def _known(value: float | None) -> float | None:
    return value if value is not None and value - value == 0.0 else None


def _certificates(certificates: Document) -> list[Block]:
    return [
        *certificate_blocks(certificates, what="matrix"),
        Paragraph(
            "κ is the condition of the weights D1 and D2, and M the matrix of least nuclear norm (with a "
            "penalty X itself). The bounds compare flat factors with factors of least norm: they say nothing "
            "about the distance to the truth."
        ),
    ]


def _data(document: Document) -> list[tuple[str, Cell]]:
    data, penalty, hidden = document["data"], document["penalty"], document["identifiable"]
    never = hidden["rows_missing"] + hidden["columns_missing"]
    unseen = [
        f"{name} {', '.join(map(str, places))}"
        for name, places in (("rows", hidden["unseen_rows"]), ("columns", hidden["unseen_columns"]))
        if places
    ]
    facts: list[tuple[str, Cell]] = [
        ("file", data["file"]),
        ("measurements", Formula(f"{data['measurements']} ({data['kind']})")),
        ("unknown", _matrix(data)),
        ("noise", "not given" if data["noise"] is None else number(data["noise"])),
        ("truth", "in the file" if data["truth"] else "not given"),
        (
            "identifiable",
            "every row and column is seen" if never == 0 else f"no: {never} dimensions are never seen",
        ),
        ("X = 0 from the penalty", penalty["zero"]),
    ]
    if unseen:
        facts.append(("never seen, from 0", "; ".join(unseen)))
    if penalty["used"]:
        facts += [("penalty", penalty["used"]), ("penalty of the other two norms", penalty["nuclear"])]
    if penalty["noise"]:
        facts.append(("penalty that noise alone explains", penalty["noise"]))
    return facts


_FILES = (
    "`flattest.npz` and `nuclear.npz` hold the arrays `matrix`, `left` and `right`: X and its flat factors, "
    "L and R of X = L Rᵀ (U1 and U2 of U1 U1ᵀ − U2 U2ᵀ if X is symmetric). `result.json` holds all numbers "
    "of this page. In Python: `numpy.load('flattest.npz')['matrix']`."
)
_GLOSSARY = Facts(
    [
        (
            "flattest",
            Formula(
                "of all X that fit the labels, the one whose factors can have the smallest Hessian trace. It "
                "has the least ‖D1XD2‖_*, with D1² = (1/m) Σ A_i A_iᵀ and D2² = (1/m) Σ A_iᵀ A_i"
            ),
        ),
        ("flat factors", "of all factors of a matrix, those of the smallest Hessian trace"),
        ("nuclear norm", "‖X‖_*, the sum of the singular values"),
        (
            "Frobenius norm",
            "‖X‖_F, the root of the sum of the squared entries: the solution of least squares",
        ),
        (
            "relative duality gap",
            "by how much the least value of the norm can be smaller than the one found, as a share of it",
        ),
        (
            "status",
            "`optimal`: residual and gap are within the tolerance. `not identifiable`: they are, but a part "
            "of X is seen by no measurement. `infeasible`: no matrix satisfies the equations. `undecided`: "
            "the iterations were spent",
        ),
        (
            "the only one",
            "whether no other matrix is as good: by a dual certificate, and by the injectivity of the "
            "measurements on the tangent space, both computed in float64; where they fail it is not decided",
        ),
        ("residual", "‖A(X) − b‖/‖b‖: how far the labels are missed"),
        (
            "sharpness",
            Formula("largest eigenvalue of the Hessian of the loss (1/m) Σ (⟨A_i, X⟩ − b_i)² in the factors"),
        ),
        ("norm excess", "½ (‖L‖² + ‖R‖²)/‖X‖_* − 1"),
        ("imbalance", "‖LᵀL − RᵀR‖_*/‖X‖_*"),
    ]
)
