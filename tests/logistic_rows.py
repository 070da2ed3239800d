"""Rows of logistic runs with known levels at four step sizes; for the tests of the claims on them."""

from __future__ import annotations

from typing import Any

import numpy as np

from stepscape.experiments.frame import Claim, Result, Run

ETAS = (0.01, 0.1, 0.4, 1.2)
FALLING, RISING, FLAT, U = (0.4, 0.3, 0.2, 0.1), (0.1, 0.2, 0.3, 0.4), (0.2,) * 4, (0.4, 0.1, 0.2, 0.5)
MOMENTS = ("", "_100", "_equal_time", "_held_out")
REGIONS = {"interior": "_interior", "uncertain": "_uncertain", "everywhere": "", "boundary": "_boundary"}
Rows = list[dict[str, Any]]


def rows(cell: tuple[float, float] = (2.0, 0.1), seeds: int = 6, **levels: Any) -> Rows:
    """One row per seed and step size; seeds differ by a factor that pairing removes, and a little noise.

    `levels` by column; a plain name is meant for all moments unless that moment is given, too.
    """
    rng, out = np.random.default_rng([7, int(10 * cell[0]), int(100 * cell[1])]), []
    for seed in range(seeds):
        factor = rng.uniform(1.0, 2.0)
        for j, eta in enumerate(ETAS):
            noisy = factor * (1.0 + 0.01 * rng.standard_normal())
            row: dict[str, Any] = {
                "amplitude": cell[0], "flip_rate": cell[1], "seed": seed, "step_size": eta, "steps": 1000,
                "outcome": levels.get("outcome", "finished"), "bent_neurons": levels.get("bent", 9),
                "edge_ratio": levels.get("ratio", (0.5, 1.0, 1.0, 1.0))[j], "smoothness_ratio": 1.0,
                "edge_ratio_last": levels.get("last", (0.5, 1.2, 1.2, 1.2))[j],
                "edge_reached_at_step": levels.get("reached_at", (np.nan, 100.0, 0.0, 0.0))[j],
                "initial_sharpness": levels.get("start", 9.0), "edge_moved": 0.01,
                "function_moved": levels.get("moved", (0.01,) * 4)[j],
            }  # fmt: skip
            row |= _excess(levels, j, noisy)
            row |= {name: levels.get(name, FALLING)[j] * noisy for name in ("weighted_tv", "tv_interior")}
            row["pieces"] = levels.get("pieces", FALLING)[j] * noisy
            out.append(row)
    return out


def _excess(levels: dict[str, Any], j: int, factor: float) -> dict[str, float]:
    """Excess risks of every region and moment, and of single iterates at the end."""
    out = {}
    for region, name in REGIONS.items():
        for moment in MOMENTS:
            # Where the truth is uncertain excess risks are those of the interior, unless they are given.
            base = "interior" if region == "uncertain" and region not in levels else region
            values = levels.get(f"{base}{moment}", levels.get(base, FLAT))
            out[f"excess_risk{name}{moment}"] = values[j] * factor
        single = levels.get(f"iterates_{region}", levels.get(region, FLAT))[j] * factor
        out |= {f"excess_risk{name}_last": 1.1 * single, f"excess_risk{name}_before": 0.9 * single}
    return out


def result(claim: Claim, *parts: Rows) -> Result:
    """Runs with these rows."""
    return Result(claim.name, claim.quick, tuple(Run(row) for part in parts for row in part))


def words(claim: Claim, *parts: Rows) -> dict[str, str]:
    """Word of every part."""
    return {name: judged.word(claim.kind) for name, judged in claim.judge(result(claim, *parts)).items()}
