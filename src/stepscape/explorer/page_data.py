"""What the page is given: the types `Given`, `Table`, `Verdict` and `Setup` of explorer/source/types.js."""

from __future__ import annotations

from typing import Literal

import msgspec

Loss = Literal["square", "logistic"]


class Unit(msgspec.Struct, frozen=True):
    """value = center + scale · standardized."""

    center: float
    scale: float


class Units(msgspec.Struct, frozen=True):
    """Of the inputs, and of the labels where they are numbers."""

    x: Unit
    y: Unit | None


class Table(msgspec.Struct, frozen=True, rename="camel"):
    """A user's table, in the units in which the page trains.

    Attributes
    ----------
    source : name of its file, or of the problem.
    x, y : (n,), the labels of the logistic loss ±1.
    labels : what -1 and +1 stand for, with the logistic loss.
    units : None where nothing was standardized.
    notes : whole sentences for the reader.
    """

    source: str
    x: list[float]
    y: list[float]
    x_name: str
    y_name: str
    loss: Loss
    labels: list[str] | None
    units: Units | None
    notes: list[str]


class CurveData(msgspec.Struct, frozen=True, rename="camel"):
    """Points around a curve of `stepscape.problems`, drawn by the page: the same bits as here."""

    truth: str
    n: int
    noise: float
    half_width: float
    seed: int
    flip_rate: float = 0.0
    amplitude: float = 1.0
    kind: Literal["curve"] = "curve"


class OwnData(msgspec.Struct, frozen=True, rename="camel"):
    """Points, and which curve of the page is their truth."""

    x: list[float]
    y: list[float]
    truth: str | None
    amplitude: float
    flip_rate: float
    half_width: float
    kind: Literal["own"] = "own"


class Start(msgspec.Struct, frozen=True):
    """The network at which training starts."""

    arm: Literal["printed", "small", "large"]
    width: int
    seed: int


class Method(msgspec.Struct, frozen=True, rename="camel"):
    """Gradient descent."""

    step_size: float
    momentum: float = 0.0
    weight_decay: float = 0.0
    warmup_steps: int = 0


class Setup(msgspec.Struct, frozen=True):
    """A run."""

    loss: Loss
    data: CurveData | OwnData
    start: Start
    method: Method


class Verdict(msgspec.Struct, frozen=True):
    """What the committed ledger says of a claim.

    Attributes
    ----------
    word, mark : as reports write it, such as "partly reproduced" and "◐".
    kind : class of its color, such as "partly".
    sentence : what the part that decides found.
    """

    title: str
    word: str
    mark: str
    kind: str
    sentence: str


class PageData(msgspec.Struct, frozen=True):
    """Everything (`Given` in types.js).

    Attributes
    ----------
    table : None where the page has no table of a user.
    setup : what the page begins with, where its address has no fragment.
    verdicts : by name of the claim.
    """

    version: str
    table: Table | None
    setup: Setup | None
    verdicts: dict[str, Verdict]
