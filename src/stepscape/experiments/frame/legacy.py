"""An experiment that has not been written in the frame yet, with the face of a claim."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Literal

from stepscape.experiments.frame import ledger
from stepscape.experiments.frame import settings as reading
from stepscape.experiments.frame.claim import Drawn
from stepscape.experiments.frame.result import Result, collect
from stepscape.experiments.frame.settings import Settings
from stepscape.lab.spec import Spec
from stepscape.tables.records import Record, Table, plain

if TYPE_CHECKING:
    from stepscape.experiments.common.experiment import Experiment


@dataclass(frozen=True, eq=False)
class OldResult(Result):
    """A result that also holds the arrays of all records under the names they were stored with."""

    arrays: Mapping[str, Any]

    @property
    def experiment(self) -> str:
        """Name of the experiment."""
        return self.claim


@dataclass(frozen=True)
class Legacy:
    """An old experiment that a door can treat as a `Claim`."""

    experiment: Experiment

    def __getattr__(self, name: str) -> Any:
        return getattr(self.experiment, name)

    parts = ()

    def settings(self, overrides: Mapping[str, str] | None = None, full: bool = False) -> dict[str, Any]:
        """Complete settings."""
        old = self.experiment
        return reading.resolve(old.name, old.full if full else old.quick, overrides or {})

    def specs(self, settings: Settings) -> list[Spec]:
        """Return the runs."""
        return list(self.experiment.specs(settings))

    def collect(self, settings: Settings, specs: Sequence[Spec], records: Sequence[Record]) -> Result:
        """Assemble the result."""
        new = collect(self.experiment.name, settings, specs, records)
        arrays = {name: values for record in records for name, values in record.arrays.items()}
        return OldResult(new.claim, settings, new.runs, arrays)

    def draw(self, result: Any) -> dict[str, Drawn]:
        """Draw the figures; their captions stand on the page."""
        return {
            name: Drawn(figure, "See its page.") for name, figure in self.experiment.figures(result).items()
        }


def enter(
    claim: Any, result: Any, size: Literal["quick", "full"], failures: Sequence[str] = (),
    seconds: float = 0.0, shared: Sequence[str] = (),
) -> ledger.Entry:  # fmt: skip
    """Judge a result of a claim, or of an old experiment."""
    if not isinstance(claim, Legacy):
        return ledger.enter(claim, result, size, failures, seconds, shared)
    verdicts = {
        name: ledger.Verdict(old.word, old.sentence, plain(old.numbers), name.replace("_", " "))
        for name, old in claim.experiment.judge(result).items()
    }
    by = "arm" if "arm" in Table.from_records([run.row for run in result.runs]) else ""
    diverged = sum(run.row["outcome"] == "diverged" for run in result.runs)
    return ledger.Entry(
        ledger.About(**{name: getattr(claim, name) for name in ledger.About.__struct_fields__}),
        size, plain(result.settings), verdicts, ledger.premises(claim.experiment.premises, result, by),
        ledger.Runs(len(result.runs) - diverged, diverged, len(failures)),
        {reason: list(failures).count(reason) for reason in failures}, seconds, list(shared),
    )  # fmt: skip
