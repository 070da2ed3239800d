"""Settings are read from text by the type of their default; what is wrong is refused by name."""

from __future__ import annotations

import pytest

import frame_claims
from stepscape import experiments
from stepscape.errors import InputError
from stepscape.experiments.frame import run
from stepscape.experiments.frame.settings import resolve

QUICK: dict[str, object] = {
    "steps": 10, "rate": 0.5, "fast": True, "arm": "a", "etas": (0.1, 0.2), "seeds": (0,)
}  # fmt: skip


def test_read_by_the_type_of_the_default() -> None:
    given = {"steps": "1e5", "rate": "2", "fast": "no", "arm": "b", "etas": "0.5, 1,", "seeds": "3,4"}
    expected = {
        "steps": 100_000,
        "rate": 2.0,
        "fast": False,
        "arm": "b",
        "etas": (0.5, 1.0),
        "seeds": (3, 4),
    }
    found = resolve("e", QUICK, given)
    assert found == expected
    assert [type(value) for value in found.values()] == [type(value) for value in expected.values()]


def test_full_is_another_start() -> None:
    claim = frame_claims.CLAIM
    assert claim.settings() == dict(claim.quick)
    assert claim.settings({"seeds": "7"}, full=True) == {**claim.full, "seeds": 7}


@pytest.mark.parametrize(
    ("key", "text", "sentence"),
    [
        (
            "stepz",
            "1",
            r"unknown setting of e 'stepz'; did you mean 'steps'\? known: steps, rate, fast, arm",
        ),
        ("steps", "1.5", "steps must be a whole number, got '1.5'"),
        ("steps", "inf", "steps must be a whole number, got 'inf'"),
        ("rate", "x", "rate must be a finite number, got 'x'"),
        ("rate", "nan", "rate must be a finite number, got 'nan'"),
        ("fast", "maybe", "fast must be yes or no, got 'maybe'"),
        ("etas", " , ", "etas must list at least one value, separated by commas, got ' , '"),
        ("etas", "0.1,b", "etas must be a finite number, got 'b'"),
    ],
)
def test_refuse(key: str, text: str, sentence: str) -> None:
    with pytest.raises(InputError, match=sentence):
        resolve("e", QUICK, {key: text})


def test_refuse_what_has_no_text_form() -> None:
    with pytest.raises(InputError, match="grid cannot be set from text"):
        resolve("e", {"grid": None}, {"grid": "1"})


def test_workers_must_not_be_negative() -> None:
    claim = frame_claims.CLAIM
    with pytest.raises(InputError, match="workers must not be negative, got -1; 0 means one per core"):
        run(claim, claim.quick, workers=-1)


@pytest.mark.parametrize(
    ("setting", "needs"),
    [
        ("seeds", "8 TB"),
        ("clean_seeds", "8 TB"),
        ("records", "9.6 TB"),
        ("width", "384 GB"),
        ("steps", "48 GB"),
    ],
)
def test_counts_that_would_not_fit_in_memory_are_refused_before_anything_is_made(monkeypatch, setting, needs):
    claim = experiments.get("curve-fitting")
    monkeypatch.setattr("stepscape.memory.free_memory", lambda: 1e9)
    claim.specs(claim.settings())
    settings = claim.settings({"steps": "1000000000", setting: "1000000000"})
    sentence = f"{setting} must fit in memory, got 1000000000, which needs {needs} where 1 GB are free"
    with pytest.raises(InputError, match=sentence):
        claim.specs(settings)
    claim.specs({**settings, "steps": 100, setting: 3})  # no more records than steps
