"""What an experiment is: settings → specs, spec → record, result → verdicts and figures.

Nothing here knows where records are kept: a door runs the specs through a store, `run` does it in memory.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from stepscape.errors import InputError, bad, unknown
from stepscape.lab.pool import Tick, run_all
from stepscape.lab.spec import Spec, columns
from stepscape.tables.records import Record, Table
from stepscape.tables.verdict import Verdict

if TYPE_CHECKING:
    from matplotlib.figure import Figure
    from numpy.typing import NDArray

Settings = Mapping[str, Any]
Progress = Callable[[float, str], None]
KINDS = ("identity", "inequality", "one-sided rate", "figure", "open question")


@dataclass(frozen=True, eq=False)
class Result:
    """What a run leaves behind: everything that its verdicts and figures read.

    Attributes
    ----------
    experiment : name of the experiment.
    settings : the settings it ran with, complete.
    table : one row a run: the columns of its spec, its outcome, its numbers.
    arrays : curves for the figures, by name.
    """

    experiment: str
    settings: Settings
    table: Table
    arrays: Mapping[str, NDArray[Any]] = field(default_factory=dict)


@dataclass(frozen=True)
class Experiment:
    """A claim with the run that tests it.

    Attributes
    ----------
    name : as on the command line.
    title : a line.
    claim : what the source says, in a sentence.
    kind : one of `KINDS`.
    source : document and place.
    setup : how the setup was chosen, and what else was tried.
    quick, full : complete settings of the run in seconds and of the real one.
    specs : settings → the runs, in order; refuses wrong settings before anything is computed.
    work : (spec, tick) → `Record`. A function of a module, so that other processes find it by name; calls
        ``tick(fraction done)`` often.
    judge : `Result` → a verdict for each arm or part of the claim.
    figures : `Result` → figures by name.
    premises : what must hold for the claim to speak about a run: column of the table → in words.
    """

    name: str
    title: str
    claim: str
    kind: str
    source: str
    setup: str
    quick: Settings
    full: Settings
    specs: Callable[[Settings], Sequence[Spec]]
    work: Callable[[Any, Tick], Record]
    judge: Callable[[Result], dict[str, Verdict]]
    figures: Callable[[Result], dict[str, Figure]]
    premises: Mapping[str, str] = field(default_factory=dict)

    def __post_init__(self) -> None:
        if self.kind not in KINDS:
            raise unknown("kind of claim", self.kind, KINDS)


def run(
    experiment: Experiment, settings: Settings, progress: Progress = lambda *_: None, workers: int = 0
) -> Result:
    """Carry out all runs in memory, on `workers` threads (0: one a core), and collect their records.

    A run that cannot be carried out raises here; in a store it becomes a failed record.
    """
    specs = experiment.specs(settings)
    message = f"{experiment.name}: {len(specs)} runs"
    records = run_all(experiment.work, specs, workers, lambda fraction: progress(fraction, message))
    return collect(experiment, settings, specs, records)


def collect(
    experiment: Experiment, settings: Settings, specs: Sequence[Spec], records: Sequence[Record]
) -> Result:
    """Assemble the result from the record of each spec, in order; arrays of equal names are equal."""
    rows = [row(spec, record) for spec, record in zip(specs, records, strict=True)]
    arrays = {name: values for record in records for name, values in record.arrays.items()}
    return Result(experiment.name, settings, Table.from_records(rows), arrays)


def row(spec: Spec, record: Record) -> dict[str, Any]:
    """One row of a table: what was run, how it ended, what was measured."""
    end = {"outcome": record.outcome, "diverged": record.outcome == "diverged", "reason": record.reason}
    return {**columns(spec), **end, **record.numbers}


def shared(spec: type[Spec], settings: Settings) -> dict[str, Any]:
    """Pick the settings that are fields of a spec."""
    return {name: settings[name] for name in spec.__struct_fields__ if name in settings}


def resolve_settings(
    experiment: Experiment, overrides: Mapping[str, str], full: bool = False
) -> dict[str, Any]:
    """Complete settings: the experiment's own with ``key=value`` strings laid over them.

    A value is read by the type of the default: whole number, number, yes/no, text, or a list of these
    separated by commas.

    Raises
    ------
    InputError
        For a key that the experiment does not have (the known ones are listed) or text of another type.
    """
    settings = dict(experiment.full if full else experiment.quick)
    for key, text in overrides.items():
        if key not in settings:
            raise unknown(f"setting of {experiment.name}", key, settings)
        settings[key] = _read(key, text, settings[key])
    return settings


def at_least(settings: Settings, **limits: int) -> None:
    """Refuse a setting below its limit."""
    for key, limit in limits.items():
        if settings[key] < limit:
            raise bad(key, f"be at least {limit}", settings[key])


def _read(key: str, text: str, default: Any) -> Any:
    if isinstance(default, tuple):
        parts = [part.strip() for part in text.split(",") if part.strip()]
        if not parts:
            raise bad(key, "list at least one value, separated by commas", repr(text))
        return tuple(_read(key, part, default[0]) for part in parts)
    for kind, must, parse in _READERS:
        if isinstance(default, kind):
            try:
                return parse(text.strip())
            except ValueError:
                raise bad(key, must, repr(text)) from None
    raise InputError(f"{key} cannot be set from text")


def _yes(text: str) -> bool:
    answers = {"yes": True, "true": True, "1": True, "no": False, "false": False, "0": False}
    if text.lower() not in answers:
        raise ValueError(text)
    return answers[text.lower()]


def _whole(text: str) -> int:
    number = _number(text)
    if number != int(number):
        raise ValueError(text)
    return int(number)


def _number(text: str) -> float:
    number = float(text)
    if number - number != 0.0:  # nan and infinities
        raise ValueError(text)
    return number


# bool before int, because True is an int.
_READERS: tuple[tuple[type, str, Callable[[str], Any]], ...] = (
    (bool, "be yes or no", _yes),
    (int, "be a whole number", _whole),
    (float, "be a finite number", _number),
    (str, "be text", str),
)
