"""Claims by name."""

from __future__ import annotations

import dataclasses
from pathlib import Path

import pytest

from stepscape import experiments
from stepscape.errors import InputError

ROOT = Path(__file__).parents[2]


def test_an_unknown_name_is_refused_with_the_nearest() -> None:
    for find in (experiments.get, experiments.family):
        with pytest.raises(
            InputError, match="unknown experiment 'curve-fiting'; did you mean 'curve-fitting'"
        ):
            find("curve-fiting")


def test_an_unknown_kind_of_claim_is_refused() -> None:
    known = experiments.get("curve-fitting")
    with pytest.raises(InputError, match="unknown kind of claim 'picture'"):
        dataclasses.replace(known, kind="picture")


@pytest.mark.parametrize("name", experiments.names())
def test_module_page_and_tests_of_a_claim_stand_in_the_folder_of_its_family(name: str) -> None:
    family, module = experiments.family(name), name.replace("-", "_")
    assert (ROOT / "src/stepscape/experiments" / family / f"{module}.py").is_file()
    assert (ROOT / "docs/experiments" / family / f"{name}.md").is_file()
    assert (ROOT / "tests/experiments" / family / f"test_{module}.py").is_file()
