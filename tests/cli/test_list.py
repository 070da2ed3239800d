"""The command list, the settings in the help of run, completion, and the module as a command."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from commands import said
from stepscape import experiments
from stepscape.cli import claim_list, completion, setting_words
from stepscape.cli.app import command_group

NAMES = experiments.names()


def test_list_fits_a_screen_and_has_one_line_per_claim_under_its_family(capsys):
    lines = said(capsys, "list").out.splitlines()
    assert len(lines) <= len(NAMES) + len(claim_list.FAMILIES) + 4
    family = ""
    seen = []
    for line in lines:
        words = line.split()
        if line in claim_list.FAMILIES.values():
            family = line
        elif words and words[0] in NAMES:
            seen.append(words[0])
            assert claim_list.FAMILIES[experiments.family(words[0])] == family
            assert experiments.get(words[0]).title in line
    assert sorted(seen) == sorted(NAMES)


def test_every_family_has_a_title():
    assert {experiments.family(name) for name in NAMES} == set(claim_list.FAMILIES)


@pytest.mark.parametrize("asked", ["logistic", "weak-to-strong"])
def test_list_of_a_family_or_a_claim_says_all_of_it(capsys, asked):
    out = said(capsys, "list", asked).out
    for name in NAMES:
        claim = experiments.get(name)
        wanted = asked in (name, experiments.family(name))
        assert (claim.title in out) == wanted
        assert (" ".join(claim.claim.split()) in " ".join(out.split())) == wanted
    told = json.loads(said(capsys, "list", asked, "--json").out)["experiments"]
    assert [each["name"] for each in told] == [n for n in NAMES if asked in (n, experiments.family(n))]
    assert all(each["claim"] and each["family"] for each in told)


def test_an_unknown_family_is_refused(capsys):
    assert (
        "unknown family 'logstic'; did you mean 'logistic'?" in said(capsys, "list", "logstic", status=2).err
    )


@pytest.mark.parametrize("name", NAMES)
def test_every_setting_has_a_meaning_and_its_defaults_in_the_help(name):
    claim = experiments.get(name)
    assert set(claim.quick) <= set(setting_words.MEANINGS)
    out = " ".join("\n".join(setting_words.setting_lines(claim)).split())
    for key, quick in claim.quick.items():
        full = claim.full[key]
        other = f"; at full size {setting_words.shown(full)}" if full != quick else ""
        assert f"{key}: {setting_words.MEANINGS[key]}; " in out
        assert f"default {setting_words.shown(quick)}{other} " in f"{out} "


@pytest.mark.parametrize("name", NAMES)
def test_a_default_as_printed_is_read_as_the_same_value(name):
    claim = experiments.get(name)
    for size in (claim.quick, claim.full):
        assert claim.settings({key: setting_words.as_text(value) for key, value in size.items()}) == {**size}


@pytest.mark.parametrize("words", [("run", "curve-fitting", "--help"), ("run", "-h", "curve-fitting"),
                                   ("run", "--set", "n=3", "--help", "curve-fitting")])  # fmt: skip
def test_the_help_of_run_lists_the_settings_of_an_experiment(capsys, words):
    out = said(capsys, *words).out
    assert "Settings of curve-fitting" in out
    assert "truth: true curve, also a MODULE:FUNCTION of your own; tent" in " ".join(out.split())
    assert "Settings of" not in said(capsys, "run", "--help").out
    assert "did you mean 'curve-fitting'" in said(capsys, "run", "curve-fiting", "-h", status=2).err


def complete(monkeypatch, capsys, *words):
    monkeypatch.setenv("_STEPSCAPE_COMPLETE", "complete_bash")
    monkeypatch.setenv("COMP_WORDS", " ".join(["stepscape", *words]))
    monkeypatch.setenv("COMP_CWORD", str(len(words)))
    return said(capsys, *words).out.split()


def test_a_shell_completes_names_settings_and_files(monkeypatch, capsys):
    for name in ("data.csv", "notes.md", "grid.toml", ".hidden.csv"):
        Path(name).write_text("")
    Path("folder").mkdir()
    asked = {
        ("run", "cur"): ["curve-fitting"],
        ("verify", "curve-fitting", "wei"): ["weighted-tv"],
        ("list", "log"): ["logistic", "logistic-step-sizes", "logistic-arms"],
        ("run", "curve-fitting", "--set", "st"): ["step_sizes=", "steps="],
        ("run", "curve-fitting", "--set", "truth=t"): ["truth=tent"],
        ("run", "curve-fitting", "--set", "arms=warm_up,sm"): ["arms=warm_up,small_init"],
        ("run", "curve-fitting", "--set", "noise="): ["noise=0.5"],
        ("run", "curve-fitting", "--set", "nothing=t"): [],
        ("run", "nothing", "--set", "t"): [],
        ("run", "--executor", "pro"): ["processes"],
        ("fit", "d"): ["data.csv"],
        ("sweep", "g"): ["grid.toml"],
        ("export", "f"): [f"folder{os.sep}"],
        ("export", "nowhere/f"): [],
    }
    for words, found in asked.items():
        assert complete(monkeypatch, capsys, *words) == found, words


def test_a_long_list_is_shortened():
    assert setting_words.shown(tuple(range(120))) == "0,1,2,…,119 (120 values)"
    assert setting_words.shown((1, 2)) == "1,2"


def test_every_argument_is_completed():
    for command in command_group().commands.values():
        for parameter in command.params:
            if parameter.param_type_name == "argument":
                assert parameter._custom_shell_complete is not None, (command.name, parameter.name)


def test_a_file_without_a_known_ending_is_not_offered():
    Path("a.md").write_text("")
    assert completion.tables("a") == []
    assert completion.files("a") == ["a.md"]


def test_the_module_is_the_command(capsys):
    done = subprocess.run([sys.executable, "-m", "stepscape", "--version"], capture_output=True, text=True)
    assert (done.returncode, done.stderr) == (0, "")
    assert done.stdout == said(capsys, "--version").out


def test_the_parts_of_a_claim_are_listed_in_words(capsys):
    lines = [line.strip() for line in said(capsys, "list", "curve-fitting").out.splitlines()]
    for part in experiments.get("curve-fitting").parts:
        (line,) = [line for line in lines if line.startswith(part.words)]
        assert line.rpartition(" ")[2].isupper()
        assert line.startswith(part.words if part.words.endswith("?") else f"{part.words}: ")
    assert "small init" not in " ".join(lines)


def test_the_help_names_every_command_with_a_whole_sentence(capsys):
    shown = said(capsys, "--help").out.partition("Commands:")[2].strip().splitlines()
    assert len(shown) > 10
    assert all(line.endswith(".") and not line.endswith("...") for line in shown)
