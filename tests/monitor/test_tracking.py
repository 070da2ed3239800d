"""An eigenvalue that overtakes the first is found from the sum of the tracked vectors, or by an audit."""

from __future__ import annotations

from dataclasses import dataclass, field

import pytest
import torch

from stepscape.errors import InputError
from stepscape.monitor import Track, follow, largest

SIZE = 3000


@dataclass(eq=False)
class Moving:
    """A diagonal matrix whose first entries change between measurements."""

    top: list[float]
    values: torch.Tensor = field(init=False)
    size, device, dtype = SIZE, torch.device("cpu"), torch.float32

    def __post_init__(self):
        self.values = torch.linspace(0.5, 0.0, SIZE)
        self.values[: len(self.top)] = torch.tensor(self.top)

    def product(self, vector):
        return self.values * vector


LADDER = [0.9 * 0.97**i for i in range(18)]
BEFORE, AFTER = Moving([1.0, 0.98, *LADDER]), Moving([0.98, 1.0, *LADDER])


def test_the_last_vector_alone_misses_a_crossing_and_the_sum_finds_it():
    """The old first vector is an eigenvector still: its residual is small at once."""
    missed = {1: 0, 3: 0}
    for seed in range(15):
        vectors = largest(BEFORE, kept=3, seed=seed).vectors
        for kept in missed:
            pair = largest(AFTER, Track(vectors[:kept]).start(SIZE), seed=seed + 1)
            assert pair.status == "converged"
            missed[kept] += abs(pair.value - 1.0) > 1e-3
    assert missed[1] >= 12
    assert missed[3] == 0


def test_a_warm_start_costs_fewer_products_than_a_cold_one():
    near = Moving([1.001, 0.979, *LADDER])
    cold, warm = [], []
    for seed in range(8):
        cold.append(largest(near, kept=3, seed=seed).products)
        found = follow(near, follow(BEFORE, Track(measured=seed)).track, audit_every=0)
        warm.append(found.pair.products)
        assert abs(found.pair.value - 1.001) <= 1e-5
        assert not found.audited
        assert found.track.measured == seed + 2
    assert sum(warm) <= 0.8 * sum(cold)
    assert sum(warm) / 8 == pytest.approx(16.1, abs=0.3)


def test_an_eigenvalue_from_beyond_the_tracked_ones_is_seldom_missed():
    """The fourth becomes the first: nothing but the noise of the start holds it."""
    before, after = Moving([1.0, 0.98, 0.97, 0.96, *LADDER]), Moving([0.98, 0.97, 0.96, 1.0, *LADDER])
    found = []
    for seed in range(40):
        start = Track(largest(before, kept=3, seed=seed).vectors).start(SIZE)
        found.append(largest(after, start, seed=seed + 1).value)
    assert sum(abs(value - 1.0) > 1e-3 for value in found) <= 1


def test_every_tenth_measurement_is_audited_from_a_random_start():
    track, audited = Track(), []
    for _ in range(12):
        found = follow(BEFORE, track, audit_every=5)
        track = found.track
        audited.append(found.audited)
        assert not found.crossing
    assert [i for i, each in enumerate(audited) if each] == [5, 10]
    assert not follow(BEFORE, Track(track.vectors, 10), audit_every=0).audited


def test_an_audit_finds_and_mends_a_crossing():
    """Tracked vectors that do not hold the new first one lead to the second; the audit says so."""
    stale = torch.zeros(1, SIZE)
    stale[0, 0] = 1.0
    missing = follow(AFTER, Track(stale, 9), kept=1)
    assert abs(missing.pair.value - 0.98) <= 1e-3
    found = follow(AFTER, Track(stale, 10), kept=1)
    assert found.crossing
    assert found.audited
    assert abs(found.pair.value - 1.0) <= 1e-3
    assert found.pair.products > largest(AFTER, seed=10).products
    assert abs(float(found.track.vectors[0, 1])) >= 0.99


def test_vectors_of_another_size_are_a_cold_start():
    """Parameters may be frozen or thawed between measurements."""
    track = Track(torch.ones(3, 7), 4)
    assert track.start(SIZE) is None
    assert follow(BEFORE, track).pair.value == largest(BEFORE, seed=4).value
    with pytest.raises(InputError, match=r"audit_every must be a whole number of at least 0, got -1"):
        follow(BEFORE, track, audit_every=-1)
