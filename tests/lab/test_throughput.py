"""The size of a batch and the rate, by the times that came in."""

from __future__ import annotations

import math

import pytest

from stepscape.lab.throughput import TARGET, Throughput


def test_a_batch_is_one_run_until_a_time_is_known_then_a_second_and_a_half():
    measured = Throughput(0.0, 0)
    assert measured.size(10_000, 4) == 1
    measured.add(0, 0.0)  # an empty batch teaches nothing
    assert measured.size(10_000, 4) == 1
    measured.add(1, 0.01)
    assert measured.size(10_000, 4) == round(TARGET / 0.01)
    assert measured.size(40, 4) == 10  # never more than spreads the rest over the workers
    assert measured.size(41, 4) == 11
    measured.add(1, 2.99)
    assert measured.size(10_000, 4) == 1  # 1.5 s a run
    measured.add(1, 1000.0)
    assert measured.size(10_000, 4) == 1
    for _ in range(32):  # the last batches count
        measured.add(100, 1.0)
    assert measured.size(10_000, 4) == 150
    for _ in range(32):
        measured.add(100, 0.0)
    assert measured.size(1000, 4) == 250


def test_the_rate_is_that_of_the_last_while():
    measured = Throughput(100.0, 7)
    assert math.isnan(measured.rate)
    measured.at(110.0, 27)
    assert measured.rate == 2.0
    measured.at(120.0, 27)  # nothing came: it sinks
    assert measured.rate == 1.0
    for second in range(1, 101):
        measured.at(120.0 + second, 27 + 5 * second)
    assert measured.rate == pytest.approx(5.0)
