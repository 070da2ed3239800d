"""The rules of `catapult-graveyard` on rows that come out each way, and the phases of real runs."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from stepscape.experiments.forces.catapult_graveyard import CLAIM, critical
from stepscape.experiments.forces.phase_runs import PHASES, PhaseRun, begin, phases, work
from stepscape.experiments.frame import Result, Run
from stepscape.tables.records import Table

SCALES, ETAS, SEEDS = (0.1, 0.3, 1.0, 3.0), (0.01, 0.1, 1.0), 8


def row(scale: float, eta: float, seed: int, end: str = "edge", **changes: Any) -> dict[str, Any]:
    """A run that ended in a phase; its start ratio is 20·η·scale²."""
    ratio = 20.0 * eta * scale**2
    base = {
        "kind": "phase/1", "half_width": 3.0, "width": 100, "scale": scale, "step_size": eta, "seed": seed,
        "outcome": "diverged" if end == "diverged" else "finished", "start_ratio": ratio,
        "initial_sharpness": 2.0 * ratio / eta,
    }  # fmt: skip
    measured = {
        "bent_neurons": {"dead": 0, "thrown": 20}.get(end, 80), "dead_neurons": 100 if end == "dead" else 3,
        "bent_at_start": 80, "rearranged_share": 0.1 if end == "lazy" else 0.6,
        "edge_ratio": 1.0 if end == "edge" else 0.4, "sharpness": 1.0 if end == "dead" else 5.0,
    }  # fmt: skip
    return {**base, **({} if end == "diverged" else measured), **changes}


def result(end: Any, **changes: Any) -> Result:
    """Every scale, step size and seed; `end` names the phase of a start ratio and a scale."""
    rows = [
        row(s, e, i, end(20.0 * e * s**2, s), **changes) for s in SCALES for e in ETAS for i in range(SEEDS)
    ]
    return Result("catapult-graveyard", CLAIM.quick, tuple(map(Run, rows)))


def words(found: Result) -> dict[str, str]:
    return {name: each.word(CLAIM.kind) for name, each in CLAIM.judge(found).items()}


def by_theory(ratio: float, scale: float) -> str:
    """Lost beyond a ratio of 5, thrown beyond 1, and else at the edge."""
    del scale
    return "diverged" if ratio > 5.0 else "thrown" if ratio > 1.001 else "edge"


def test_all_as_the_story_tells_it() -> None:
    dead = words(result(lambda ratio, _: "dead" if ratio > 1.001 else "edge"))
    assert (dead["graveyard"], dead["safe"], dead["flat_grave"]) == ("yes", "yes", "holds")
    assert dead["escape"] == "yes"


def test_nothing_is_lost() -> None:
    found = words(result(lambda *_: "lazy"))
    assert (found["graveyard"], found["safe"], found["escape"]) == ("no", "yes", "no")
    assert found["boundary"] == "undecided"
    assert found["flat_grave"] == "premise_not_met"


def test_everything_is_lost() -> None:
    found = words(result(lambda *_: "diverged"))
    assert (found["graveyard"], found["safe"], found["escape"]) == ("yes", "no", "no")
    assert found["thinned"] == "premise_not_met"


def test_survivors_of_a_catapult_are_thin_or_not() -> None:
    assert words(result(by_theory))["thinned"] == "yes"  # 20 of 80 neurons are left
    assert words(result(lambda ratio, _: "lazy" if ratio > 1.001 else "edge"))["thinned"] == "no"


def test_ranges_that_differ_make_it_depend() -> None:
    one = result(lambda *_: "diverged").runs
    other = result(lambda *_: "edge", half_width=1.0).runs
    assert words(Result("catapult-graveyard", CLAIM.quick, (*one, *other)))["graveyard"] == "it_depends"


class TestBoundary:
    def grid(self, power: float) -> Table:
        """Runs at 41 step sizes; they are lost from a start ratio of 3·scale^power on."""
        rows = []
        for scale in SCALES:
            for ratio in np.geomspace(0.01, 1000.0, 41):
                gone = ratio > 3.0 * scale**power
                for seed in range(4):
                    end = "diverged" if gone else "edge"
                    rows.append(row(scale, ratio / (20.0 * scale**2), seed, end))
        return Table.from_records(rows)

    @pytest.mark.parametrize(("power", "word"), [(0.0, "yes"), (1.0, "no"), (-0.5, "no"), (0.2, "yes")])
    def test_its_slope_on_the_scale(self, power: float, word: str) -> None:
        table = self.grid(power)
        runs = tuple(
            Run(dict(zip(table.columns, line, strict=True)))
            for line in zip(*table.columns.values(), strict=True)
        )
        assert words(Result("catapult-graveyard", CLAIM.quick, runs))["boundary"] == word

    def test_the_critical_ratio_lies_between_its_neighbors(self) -> None:
        scales, found, bounds = critical(self.grid(0.0))
        assert not bounds.any()
        step = (1000.0 / 0.01) ** (1.0 / 40.0)
        assert scales.tolist() == list(SCALES)
        assert (np.abs(np.log(found / 3.0)) <= 0.5 * np.log(step) + 1e-12).all()

    def test_it_is_the_geometric_mean_of_two_neighbors(self) -> None:
        rows = [row(1.0, 0.05, 0, "edge"), row(1.0, 0.2, 0, "diverged")]  # start ratios 1 and 4
        assert critical(Table.from_records(rows))[1] == pytest.approx(2.0)

    def test_it_is_unknown_where_the_grid_hides_it(self) -> None:
        rows = [row(1.0, 0.1, 0, "diverged"), row(2.0, 0.1, 0, "edge")]
        assert np.isnan(critical(Table.from_records(rows))[1]).all()


def boundary(
    scales: tuple[float, ...], gone: Any, seeds: int = 8, ratios: Any = (0.5, 0.9, 2.0, 9.0, 50.0)
) -> str:
    """Word of `boundary` where `gone` (ratio, scale, seed) says which runs are lost."""
    runs = tuple(
        Run(row(s, ratio / 50.0, i, "diverged" if gone(ratio, s, i) else "edge", start_ratio=ratio))
        for s in scales for ratio in ratios for i in range(seeds)
    )  # fmt: skip
    return words(Result("catapult-graveyard", CLAIM.quick, runs))["boundary"]


class TestBounds:
    SCALES = (0.03, 0.1, 0.3, 1.0, 3.0)

    @pytest.mark.parametrize("kept", [(0.03,), (0.03, 0.1), (0.3,), (3.0,)])
    def test_a_scale_that_is_never_lost_counts_against_yes(self, kept: tuple[float, ...]) -> None:
        assert boundary(self.SCALES, lambda ratio, s, _: ratio > 1.0 and s not in kept) == "no"

    @pytest.mark.parametrize("early", [(0.03,), (0.3,), (3.0,)])
    def test_so_does_one_that_is_always_lost(self, early: tuple[float, ...]) -> None:
        ratios = (0.05, 9.0, 20.0, 50.0)
        assert boundary(self.SCALES, lambda r, s, _: r > 10.0 or s in early, ratios=ratios) == "no"

    def test_a_bound_near_the_others_leaves_it_open(self) -> None:
        ratios = (0.5, 0.9, 2.0)
        found = boundary(self.SCALES, lambda r, s, _: r > 1.0 and s != 0.03, ratios=ratios)
        assert found == "undecided"
        rare = boundary(self.SCALES, lambda r, s, i: r > 1.0 and (s != 0.03 or i), seeds=20, ratios=ratios)
        assert rare == "yes"  # one seed of 20

    def test_a_bound_below_the_others_says_nothing(self) -> None:
        runs = [
            row(s, r, i, "diverged" if r > 1.0 else "edge", start_ratio=r)
            for s in self.SCALES for r in ((0.1, 0.5) if s == 0.03 else (0.5, 0.9, 2.0)) for i in range(8)
        ]  # fmt: skip
        found = words(Result("catapult-graveyard", CLAIM.quick, tuple(map(Run, runs))))
        assert found["boundary"] == "yes"

    def test_a_boundary_that_rises_and_falls_is_not_the_same(self) -> None:
        at = {0.03: 1.0, 0.1: 1.0, 0.3: 30.0, 1.0: 1.0, 3.0: 1.0}
        assert boundary(self.SCALES, lambda ratio, s, _: ratio > at[s]) == "no"

    def test_which_ratios_are_bounds(self) -> None:
        ends = {0.1: 9.0, 1.0: 1.0, 3.0: 0.0}  # never lost up to 9, lost beyond 1, always lost
        runs = [
            row(s, r, 0, "diverged" if r > at else "edge", start_ratio=r)
            for s, at in ends.items() for r in (0.25, 1.0, 4.0, 9.0)
        ]  # fmt: skip
        scales, found, bounds = critical(Table.from_records(runs))
        assert scales.tolist() == [0.1, 1.0, 3.0]
        assert found == pytest.approx(np.array([[9.0, 2.0, 0.25]]))
        assert bounds.tolist() == [[True, False, True]]


def test_every_phase_is_told_apart() -> None:
    rows = [row(1.0, 0.2 if end == "thrown" else 0.02, 0, end) for end in PHASES]
    assert phases(Table.from_records(rows)).tolist() == list(PHASES)


def test_an_edge_ratio_of_95_hundredths_is_the_edge() -> None:
    rows = [row(1.0, 0.02, 0, "edge", edge_ratio=ratio) for ratio in (0.949, 0.951)]
    assert phases(Table.from_records(rows)).tolist() == ["moving", "edge"]


def test_a_catapult_is_a_start_beyond_the_threshold() -> None:
    rows = [row(1.0, 0.05, 0, "lazy", start_ratio=ratio) for ratio in (0.999, 1.001)]
    assert phases(Table.from_records(rows)).tolist() == ["lazy", "thrown"]


def test_real_runs_die_diverge_and_live() -> None:
    spec = {"truth": "tent", "n": 20, "noise": 0.5, "width": 100, "steps": 300, "seed": 3}
    at = ((3.0, 3.0, 0.8), (1.0, 3.0, 0.8), (3.0, 0.1, 0.01))  # half width, scale, step size
    runs = [PhaseRun(**spec, half_width=h, scale=s, step_size=e) for h, s, e in at]  # type: ignore[arg-type]
    records = [work(run, lambda _: None) for run in runs]
    found = CLAIM.collect(CLAIM.quick, runs, records).table
    assert phases(found).tolist() == ["diverged", "dead", "moving"]
    assert found["start_ratio"] == pytest.approx(found["initial_sharpness"] * found["step_size"] / 2.0)


def test_scales_multiply_one_network() -> None:
    spec = {
        "truth": "tent",
        "n": 20,
        "noise": 0.5,
        "width": 7,
        "steps": 1,
        "seed": 3,
        "half_width": 1.0,
        "step_size": 0.1,
    }
    one, three = (begin(PhaseRun(**spec, scale=s))[1].parameters for s in (1.0, 3.0))  # type: ignore[arg-type]
    np.testing.assert_allclose(three, 3.0 * one, rtol=1e-14)
