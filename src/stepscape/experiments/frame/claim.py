"""A claim: what the source says, the runs that test it, its parts with their rules, and its figures.

Nothing here knows where records are kept: a door runs the specs through a store, `run` does it in memory.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from stepscape.arguments import flag, mapping
from stepscape.errors import InputError, bad, expect
from stepscape.experiments.frame import settings as reading
from stepscape.experiments.frame.kinds import words_of
from stepscape.experiments.frame.limits import DECISIVE_SEEDS
from stepscape.experiments.frame.part import Judged, Part
from stepscape.experiments.frame.result import Result, collect
from stepscape.experiments.frame.settings import Settings
from stepscape.experiments.frame.sweep import trial
from stepscape.lab.pool import Tick, run_all
from stepscape.lab.spec import Spec
from stepscape.tables.records import Record, Table

if TYPE_CHECKING:
    from matplotlib.figure import Figure

    from stepscape.figures.motion import Motion

Progress = Callable[[float, str], None]
MOST_PARTS = 6


@dataclass(frozen=True)
class Drawn:
    """A figure with its caption, which is also its alternative text.

    An animation, where time is the point, stands below the figure in a report; the figure says the same.
    """

    figure: Figure
    caption: str
    animation: Motion | None = None

    def __post_init__(self) -> None:
        if not self.caption.strip().endswith("."):
            raise bad("caption", "be one sentence or more with a full stop", repr(self.caption))


@dataclass(frozen=True)
class Claim:
    """A claim with the runs that test it.

    Attributes
    ----------
    name : as on the command line.
    title : one line.
    claim : what the source says, in one sentence.
    kind : one of `KINDS`.
    source : document and place.
    setup : how the setup was chosen, in at most 80 words; the history stands on the page.
    quick, full : complete settings of the run that takes seconds, and of the real one, which has at least
        20 seeds.
    grid : settings → the runs, in order; refuses wrong settings.
    begin : spec → anything; builds problem, start and method, so that what is wrong with them is refused
        before the first run. None where the grid has refused all that can be wrong.
    work : (spec, tick) → `Record`. A function of a module, so that other processes find it by name; calls
        ``tick(fraction done)`` often.
    parts : at most six, one of them primary.
    draw : `Result` → figures with captions, by name.
    premises : what must hold for the claim to speak about a run: column of the table → in words.
    numbers : `Result` → the one table of further numbers that decide nothing; None where there is none.
    by : column whose values the premises distinguish, such as ``arm``.
    names : values of such columns → in words.
    extra : the extra, and module, that the runs need beyond the base installation, such as "torch".
    """

    name: str
    title: str
    claim: str
    kind: str
    source: str
    setup: str
    quick: Settings
    full: Settings
    grid: Callable[[Settings], Sequence[Spec]]
    work: Callable[[Any, Tick], Record]
    parts: tuple[Part, ...]
    draw: Callable[[Result], dict[str, Drawn]]
    begin: Callable[[Any], object] | None = None
    premises: Mapping[str, str] = field(default_factory=dict)
    numbers: Callable[[Result], Table] | None = None
    by: str = ""
    names: Mapping[str, str] = field(default_factory=dict)
    extra: str = ""

    def __post_init__(self) -> None:
        words_of(self.kind)
        for part in self.parts:
            words_of(part.kind or self.kind)
        names = [part.name for part in self.parts]
        if not 1 <= len(names) <= MOST_PARTS or len(set(names)) < len(names):
            raise bad("parts", f"be 1 to {MOST_PARTS} with different names", f"{names} in {self.name}")
        if sum(part.primary for part in self.parts) != 1:
            raise bad("parts", "have exactly one that is primary", f"{names} in {self.name}")
        for setting, count in self.full.items():
            if setting.endswith("seeds") and count < DECISIVE_SEEDS:
                raise bad(f"{setting} of {self.name} at full size", f"be at least {DECISIVE_SEEDS}", count)

    @property
    def primary(self) -> Part:
        """The part that the headline is about."""
        return next(part for part in self.parts if part.primary)

    def settings(self, overrides: Mapping[str, Any] | None = None, full: bool = False) -> dict[str, Any]:
        """Complete settings, with values or the text of values laid over them; see `settings.resolve`."""
        given = {} if overrides is None else overrides
        return reading.resolve(self.name, self.full if flag("full", full) else self.quick, given)

    def specs(self, settings: Settings) -> list[Spec]:
        """Return the runs, in order; wrong settings are refused."""
        if lacking := [name for name in self.quick if name not in mapping("settings", settings)]:
            raise bad(
                "settings", f"be complete, as {self.name}.settings() gives them", f"none for {lacking[0]!r}"
            )
        reading.affordable(settings)
        runs = list(self.grid(settings))
        if not runs:
            raise InputError(f"these settings give {self.name} no run")
        if self.begin is not None:
            trial(runs, self.begin)
        return runs

    def collect(self, settings: Settings, specs: Sequence[Spec], records: Sequence[Record]) -> Result:
        """Assemble the result from the record of each spec."""
        mapping("settings", settings)
        for name, given, kind in (("specs", specs, Spec), ("records", records, Record)):
            expect(name, given, Sequence)
            for each in given:
                expect(f"each of {name}", each, kind)
        if len(specs) != len(records):
            raise bad("specs and records", "have the same length", f"{len(specs)} and {len(records)}")
        return collect(self.name, settings, specs, records)

    def judge(self, result: Result) -> dict[str, Judged]:
        """Apply every rule."""
        expect("result", result, Result)
        return {part.name: part.find(result, self.names) for part in self.parts}


def run(claim: Claim, settings: Settings, progress: Progress = lambda *_: None, workers: int = 0) -> Result:
    """Carry out all runs in memory, on `workers` threads (0: one per core), and collect their records.

    A run that cannot be carried out raises here; in a store it becomes a failed record.
    """
    specs = claim.specs(settings)
    message = f"{claim.name}: {len(specs)} runs"
    records = run_all(claim.work, specs, workers, lambda fraction: progress(fraction, message))
    return claim.collect(settings, specs, records)
