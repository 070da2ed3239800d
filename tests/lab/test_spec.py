"""Specs: the canonical form and what it hashes, rows of tables, random streams."""

from __future__ import annotations

import hashlib
import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import msgspec
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from stepscape.errors import InputError
from stepscape.lab import spec as module
from stepscape.lab.spec import SCHEMA, Spec, canonical, columns, identity, stream


class Data(msgspec.Struct, frozen=True, tag_field="kind", tag="data"):
    n: int = 3
    noise: float = 0.5


class Other(msgspec.Struct, frozen=True, tag_field="kind", tag="other"):
    n: int = 3
    noise: float = 0.5


class Plain(Spec, frozen=True, tag="plain/1"):
    data: Data | Other = Data()
    step_size: float = 0.1
    steps: int = 10
    name: str = "tent"
    nesterov: bool = False
    etas: tuple[float, ...] = (0.1, 0.2)


class Next(Spec, frozen=True, tag="plain/2"):
    data: Data | Other = Data()
    step_size: float = 0.1
    steps: int = 10
    name: str = "tent"
    nesterov: bool = False
    etas: tuple[float, ...] = (0.1, 0.2)


class Shuffled(Spec, frozen=True, tag="plain/1"):
    etas: tuple[float, ...] = (0.1, 0.2)
    nesterov: bool = False
    name: str = "tent"
    steps: int = 10
    step_size: float = 0.1
    data: Data | Other = Data()


class Named(Spec, frozen=True, tag="named/1"):
    names: frozenset[str] = frozenset("abcdefgh")


class Twice(Spec, frozen=True, tag="twice/1"):
    data: Data = Data()
    n: int = 3


floats = st.floats(allow_nan=False, allow_infinity=False)
plains = st.builds(
    Plain,
    data=st.one_of(*(st.builds(kind, n=st.integers(0, 3), noise=floats) for kind in (Data, Other))),
    step_size=st.one_of(floats, st.integers(-3, 3), st.sampled_from([0.0, -0.0])),
    steps=st.integers(0, 3),
    name=st.text(max_size=3).filter(lambda text: text.isprintable()),
    nesterov=st.booleans(),
    etas=st.lists(st.sampled_from([0, 0.0, -0.0, 1, 1.0, 1e-300]), max_size=2).map(tuple),
)


class TestCanonical:
    @given(plains, plains)
    def test_equal_specs_and_only_they_have_equal_identities(self, one: Plain, other: Plain) -> None:
        assert (one == other) == (identity(one) == identity(other))

    @given(plains)
    def test_reading_it_back_gives_the_spec(self, spec: Plain) -> None:
        schema, fields = json.loads(canonical(spec))
        assert schema == SCHEMA
        assert msgspec.convert(fields, Plain) == spec

    @given(plains)
    def test_a_number_is_the_same_as_int_float_or_numpy(self, spec: Plain) -> None:
        again = msgspec.structs.replace(
            spec,
            step_size=np.float64(spec.step_size),
            steps=np.int64(spec.steps),
            nesterov=np.bool_(spec.nesterov),
            etas=list(spec.etas),
        )
        assert canonical(again) == canonical(spec)

    def test_is_sorted_compact_json_with_the_schema_first(self) -> None:
        text = canonical(Plain(step_size=1, data=Data(noise=-0.0))).decode()
        assert text == (
            '[1,{"data":{"kind":"data","n":3,"noise":0.0},"etas":[0.1,0.2],"kind":"plain/1",'
            '"name":"tent","nesterov":false,"step_size":1.0,"steps":10}]'
        )

    def test_order_of_fields_does_not_matter(self) -> None:
        assert canonical(Shuffled()) == canonical(Plain())

    def test_keeps_every_bit_of_a_number(self) -> None:
        assert identity(Plain(step_size=0.1)) != identity(Plain(step_size=np.nextafter(0.1, 1.0)))

    @pytest.mark.parametrize(
        "spec",
        [
            Plain(data=Other()),
            Plain(data=Data(n=4)),
            Plain(data=Data(noise=0.25)),
            Plain(step_size=0.2),
            Plain(steps=11),
            Plain(name="wave"),
            Plain(nesterov=True),
            Plain(etas=(0.2, 0.1)),
            Plain(etas=(0.1,)),
            Next(),
        ],
        ids=repr,
    )
    def test_every_change_is_another_run(self, spec: Spec) -> None:
        assert identity(spec) != identity(Plain())

    def test_the_schema_is_part_of_it(self, monkeypatch: pytest.MonkeyPatch) -> None:
        before = identity(Plain())
        monkeypatch.setattr(module, "SCHEMA", SCHEMA + 1)
        assert identity(Plain()) != before

    def test_identity_is_the_beginning_of_a_sha_256(self) -> None:
        name = identity(Plain())
        assert name == hashlib.sha256(canonical(Plain())).hexdigest()[:32]
        assert name == "07293a3c8c441610ee25306fb69a9503"

    def test_another_process_with_another_seed_of_hashes_names_it_the_same(self) -> None:
        code = "from test_spec import *; print(identity(Plain()), identity(Named()), stream(5, 'network'))"
        path = os.pathsep.join([str(Path(__file__).parent), *filter(None, [os.environ.get("PYTHONPATH")])])
        said = {
            subprocess.run(
                [sys.executable, "-c", code],
                env={**os.environ, "PYTHONHASHSEED": seed, "PYTHONPATH": path},
                capture_output=True,
                text=True,
                check=True,
            ).stdout
            for seed in ("0", "1", "2")
        }
        assert said == {f"{identity(Plain())} {identity(Named())} {stream(5, 'network')}\n"}

    @pytest.mark.parametrize("value", [np.nan, np.inf, -np.inf])
    def test_refuses_what_is_not_finite(self, value: float) -> None:
        for spec in (Plain(step_size=value), Plain(step_size=np.float64(value))):
            with pytest.raises(InputError, match=f"^step_size must be finite, got {value}$"):
                canonical(spec)
        with pytest.raises(InputError, match=r"^noise must be finite, got"):
            canonical(Plain(data=Data(noise=value)))
        with pytest.raises(InputError, match=r"^etas must be finite, got"):
            canonical(Plain(etas=(value,)))

    @pytest.mark.parametrize(
        ("fields", "sentence"),
        [
            ({"steps": 1.5}, r"Expected `int`, got `float` - at `\$.steps`"),
            ({"steps": 1.0}, r"Expected `int`, got `float` - at `\$.steps`"),
            ({"steps": True}, r"Expected `int`, got `bool` - at `\$.steps`"),
            ({"steps": "1"}, r"Expected `int`, got `str` - at `\$.steps`"),
            ({"step_size": "0.1"}, r"Expected `float`, got `str` - at `\$.step_size`"),
            ({"step_size": False}, r"Expected `float`, got `bool` - at `\$.step_size`"),
            ({"step_size": 10**400}, r"Number out of range - at `\$.step_size`"),
            ({"nesterov": 1}, r"Expected `bool`, got `int` - at `\$.nesterov`"),
            ({"name": None}, r"Expected `str`, got `null` - at `\$.name`"),
            ({"name": "\ud800"}, "surrogates not allowed"),
            ({"data": Data(n="3")}, r"Expected `int`, got `str` - at `\$.data.n`"),  # type: ignore[arg-type]
            ({"data": object()}, "a field must be a number, text or a tuple of these, got object"),
            ({"etas": np.arange(2.0)}, "a field must be a number, text or a tuple of these, got ndarray"),
        ],
    )
    def test_refuses_another_type(self, fields: dict[str, Any], sentence: str) -> None:
        with pytest.raises(InputError, match=f"^the spec of a run is not of its type: .*{sentence}"):
            identity(Plain(**fields))


class TestColumns:
    def test_leaves_by_their_names_and_kinds_by_the_field(self) -> None:
        assert columns(Plain(data=Other(), steps=np.int64(7))) == {
            "data": "other",
            "n": 3,
            "noise": 0.5,
            "step_size": 0.1,
            "steps": 7,
            "name": "tent",
            "nesterov": False,
            "etas": (0.1, 0.2),
        }

    def test_refuses_two_leaves_of_one_name(self) -> None:
        with pytest.raises(
            InputError, match=r"^the fields of a spec must have different names, got 'n' twice$"
        ):
            columns(Twice())


class TestStream:
    @given(st.integers(0, 2**70), st.integers(0, 2**70), st.sampled_from(["network", "held out"]))
    def test_another_seed_or_purpose_is_another_stream(self, one: int, other: int, purpose: str) -> None:
        assert (stream(one, purpose) == stream(other, purpose)) == (one == other)
        assert stream(one, purpose) != stream(one, purpose + "1")
        assert stream(one, purpose) != one
        assert 0 <= stream(one, purpose) < 2**64

    def test_a_seed_means_the_same_draws_forever(self) -> None:
        assert stream(0, "network") == 6_724_223_237_675_661_611

    def test_numbers_of_two_purposes_are_uncorrelated(self) -> None:
        draws = np.array(
            [
                [np.random.default_rng(stream(seed, purpose)).standard_normal() for seed in range(400)]
                for purpose in ("network", "held out")
            ]
            + [[np.random.default_rng(seed).standard_normal() for seed in range(400)]]
        )
        correlation = np.corrcoef(draws) - np.eye(3)
        assert np.abs(correlation).max() < 5 / 400**0.5

    @pytest.mark.parametrize("seed", [-1, 1.0, True, "0", None])
    def test_refuses_a_seed_that_is_none(self, seed: Any) -> None:
        with pytest.raises(InputError, match=r"^seed must be a whole number of at least 0, got"):
            stream(seed, "network")
