from __future__ import annotations

from typing import ClassVar

import numpy as np
import pytest

from stepscape.errors import InputError
from stepscape.experiments.frame.settings import at_least, resolve, seeds
from stepscape.experiments.frame.sweep import sweep, trial
from stepscape.lab.spec import Spec, identity


class Small(Spec, frozen=True, tag="small/1"):
    size: int
    truth: str
    noise: float
    seed: int
    drawn: bool = False


class Nested(Spec, frozen=True, tag="nested/1"):
    run: Small


SETTINGS = {"size": 3, "truth": "tent", "seeds": 2, "first_seed": 5}


class TestSweep:
    def test_the_field_named_last_varies_fastest(self) -> None:
        runs = sweep(Small, SETTINGS, noise=(0.1, 0.2), seed=seeds(SETTINGS))
        assert [(run.noise, run.seed) for run in runs] == [(0.1, 5), (0.1, 6), (0.2, 5), (0.2, 6)]
        turned = sweep(Small, SETTINGS, seed=seeds(SETTINGS), noise=(0.1, 0.2))
        assert [(run.noise, run.seed) for run in turned] == [(0.1, 5), (0.2, 5), (0.1, 6), (0.2, 6)]

    def test_settings_are_taken_over_unless_a_field_says_otherwise(self) -> None:
        (run,) = sweep(Small, SETTINGS, noise=0.0, seed=0, truth="line")
        assert (run.size, run.truth) == (3, "line")

    def test_a_function_sees_what_is_swept_fixed_taken_over_and_derived_before_it(self) -> None:
        runs = sweep(
            Small,
            {"size": 4},
            seed=(0, 1),
            truth="tent",
            noise=lambda run: float(run.seed * run.size),
            drawn=lambda run: run.noise > 0.0 and run.truth == "tent",
        )
        assert [(run.noise, run.drawn) for run in runs] == [(0.0, False), (4.0, True)]

    def test_a_mapping_sets_several_fields_at_once(self) -> None:
        cases = [{"truth": "tent", "size": 2}, {"truth": "line", "size": 9}]
        runs = sweep(Small, SETTINGS, case=cases, seed=(0,), noise=0.0)
        assert [(run.truth, run.size) for run in runs] == [("tent", 2), ("line", 9)]

    def test_text_is_one_value_and_an_array_is_swept(self) -> None:
        runs = sweep(Small, SETTINGS, truth="wave", noise=np.array([0.1, 0.3]), seed=range(2))
        assert {run.truth for run in runs} == {"wave"}
        assert len(runs) == 4
        same = sweep(Small, SETTINGS, truth="wave", noise=(0.1, 0.3), seed=(0, 1))
        assert [identity(run) for run in runs] == [identity(run) for run in same]

    def test_a_field_that_the_spec_does_not_have_is_refused(self) -> None:
        with pytest.raises(TypeError, match="nose"):
            sweep(Small, SETTINGS, noise=0.0, seed=0, nose=(1.0, 2.0))

    def test_nothing_to_sweep_gives_no_run(self) -> None:
        assert sweep(Small, SETTINGS, noise=0.0, seed=range(0)) == []


class TestTrial:
    def test_begins_every_run_of_the_first_seed_of_each_kind(self) -> None:
        runs = sweep(Small, SETTINGS, noise=(0.1, 0.2), seed=(7, 3))
        nested = [Nested(run=run) for run in sweep(Small, SETTINGS, noise=0.5, seed=(9, 8))]
        begun: list[tuple[str, int]] = []
        trial([*runs, *nested], lambda run: begun.append((type(run).__name__, getattr(run, "run", run).seed)))
        assert begun == [("Small", 3), ("Small", 3), ("Nested", 8)]

    def test_what_begin_refuses_is_refused(self) -> None:
        def begin(run: Small) -> None:
            if run.noise < 0.0:
                raise InputError("noise must not be negative")

        with pytest.raises(InputError, match="noise must not be negative"):
            trial(sweep(Small, SETTINGS, noise=(0.1, -0.1), seed=(0, 1)), begin)


class TestSettings:
    defaults: ClassVar = {"steps": 10, "rate": 0.5, "fast": True, "arm": "a", "etas": (0.1, 0.2), "odd": None}

    def test_read_by_the_type_of_the_default(self) -> None:
        given = {"steps": "1e5", "rate": "2", "fast": "no", "arm": "b", "etas": "0.5, 1,"}
        found = resolve("toy", self.defaults, given)
        assert found == {
            "steps": 100_000,
            "rate": 2.0,
            "fast": False,
            "arm": "b",
            "etas": (0.5, 1.0),
            "odd": None,
        }
        assert [type(x) for x in found.values()][:5] == [int, float, bool, str, tuple]

    @pytest.mark.parametrize(
        ("key", "text", "sentence"),
        [
            ("stepz", "1", r"unknown setting of toy 'stepz'; did you mean 'steps'\?"),
            ("steps", "1.5", "steps must be a whole number, got '1.5'"),
            ("rate", "nan", "rate must be a finite number, got 'nan'"),
            ("fast", "maybe", "fast must be yes or no, got 'maybe'"),
            ("etas", " , ", "etas must list at least one value, separated by commas, got ' , '"),
            ("odd", "1", "odd cannot be set from text"),
        ],
    )
    def test_refuse(self, key: str, text: str, sentence: str) -> None:
        with pytest.raises(InputError, match=sentence):
            resolve("toy", self.defaults, {key: text})

    def test_a_setting_below_its_limit_is_refused_by_name(self) -> None:
        with pytest.raises(InputError, match="steps must be at least 11, got 10"):
            at_least(self.defaults, steps=11)
