"""A directory of results holds the old results or the new ones, whole, whatever ends the command."""

from __future__ import annotations

import errno
import os
import subprocess
import sys
from pathlib import Path

import pytest

from stepscape import files
from stepscape.cli import output, publication
from stepscape.cli.interrupt import Unfinished
from stepscape.errors import InputError, OutputError

OLD = {"result.json": "old", "predictions.csv": "old", "figures/path.svg": "old"}
NEW = {"result.json": "new", "report.html": "new", "figures/fit.svg": "new"}
MINE = {"notes.txt": "mine", "figures/photo.txt": "mine", "store/store.json": "mine"}
TARGETS = {"missing": None, "empty": {}, "older": OLD, "mine": MINE, "both": {**OLD, **MINE}}


def fill(folder, content):
    for name, text in content.items():
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_text(text)


def held(folder):
    """What the files of a folder hold, hidden ones included; None where there is no folder."""
    if not folder.exists():
        return None
    return {p.relative_to(folder).as_posix(): p.read_text() for p in folder.rglob("*") if p.is_file()}


def target(name):
    folder = Path("work/out")
    folder.parent.mkdir()
    if TARGETS[name] is not None:
        folder.mkdir()
        fill(folder, TARGETS[name])
    return folder


def publish(unfinished=None):
    with output.output_directory("work/out", True, unfinished or Unfinished()) as draft:
        fill(draft, NEW)


def after(name):
    """What the target holds when all went well: the new results, and what is not ours."""
    kept = {file: text for file, text in (TARGETS[name] or {}).items() if text == "mine"}
    return {**kept, **NEW}


@pytest.mark.parametrize("name", TARGETS)
@pytest.mark.parametrize("system", ["exchanges", "does not"])
def test_new_results_take_the_place_of_all_older_ones(monkeypatch, name, system):
    if system == "does not":
        monkeypatch.setattr(publication, "_exchange", lambda *_: False)
    folder = target(name)
    publish()
    assert held(folder) == after(name)
    assert os.listdir("work") == ["out"]


@pytest.mark.parametrize("name", TARGETS)
def test_a_report_replaces_only_what_it_makes(name):
    folder = target(name)
    with output.output_directory("work/out", True, Unfinished(), whole=False) as draft:
        fill(draft, {"report.html": "new", "figures/fit.svg": "new"})
    older = {file: text for file, text in (TARGETS[name] or {}).items() if not file.endswith(".svg")}
    assert held(folder) == {**older, "report.html": "new", "figures/fit.svg": "new"}


def failing(monkeypatch, error, at, later):
    """Let the `at`-th rename fail, and the later ones too if asked."""
    real, calls = os.rename, []

    def rename(source, destination):
        calls.append(source)
        if len(calls) == at or (later and at < len(calls)):
            raise error
        real(source, destination)

    monkeypatch.setattr(os, "rename", rename)
    return calls


def work_in(monkeypatch, folder):
    folder.mkdir()
    monkeypatch.chdir(folder)


def renames_of(monkeypatch, tmp_path, name):
    work_in(monkeypatch, tmp_path / "count")
    with monkeypatch.context() as patch:
        calls = failing(patch, None, 0, later=False)
        target(name)
        publish()
    return range(1, len(calls) + 1)


@pytest.mark.parametrize("name", TARGETS)
@pytest.mark.parametrize("later", [False, True])
@pytest.mark.parametrize("error", [KeyboardInterrupt(), OSError(errno.ENOSPC, "No space left on device")])
def test_an_error_between_two_renames_leaves_the_old_results_whole(monkeypatch, tmp_path, name, later, error):
    monkeypatch.setattr(publication, "_exchange", lambda *_: False)
    expected = OutputError if isinstance(error, OSError) else KeyboardInterrupt
    sentence = {OutputError: "cannot write to 'work/out': no space left on device", KeyboardInterrupt: "^$"}
    for at in renames_of(monkeypatch, tmp_path, name):
        work_in(monkeypatch, tmp_path / str(at))
        folder = target(name)
        with monkeypatch.context() as patch:
            failing(patch, error, at, later)
            with pytest.raises(expected, match=sentence[expected]):
                publish()
        if later:  # nothing can be undone either, until the next command begins
            monkeypatch.setattr("stepscape.cli.drafts._JUST_MADE", -1.0)
            output.tidy("work/out")
        assert held(folder) == TARGETS[name]
        assert os.listdir("work") == ([] if TARGETS[name] is None else ["out"])
        publish()  # the same command again
        assert held(folder) == after(name)


@pytest.mark.skipif(not hasattr(os, "fork"), reason="forks")
@pytest.mark.parametrize("name", TARGETS)
@pytest.mark.parametrize("moment", ["before", "after"])
def test_a_killed_publication_is_undone_or_complete_when_the_next_command_begins(
    monkeypatch, tmp_path, name, moment
):
    monkeypatch.setattr(publication, "_exchange", lambda *_: False)
    seen = set()
    renames = renames_of(monkeypatch, tmp_path, name)
    for at in renames:
        work_in(monkeypatch, tmp_path / str(at))
        folder = target(name)
        child = os.fork()
        if child == 0:
            killed_at(at, moment)
        _, status = os.waitpid(child, 0)
        output.tidy("work/out")
        whole = "new" if held(folder) == after(name) else "old"
        assert held(folder) == (after(name) if whole == "new" else TARGETS[name])
        assert set(os.listdir("work")) <= {"out"}
        seen.add(whole)
        assert os.waitstatus_to_exitcode(status) == 9
    assert len(renames) == 1 or "old" in seen


def killed_at(at, moment):
    real, calls = os.rename, []

    def rename(source, destination):
        calls.append(source)
        if len(calls) == at and moment == "before":
            os._exit(9)
        try:
            real(source, destination)
        finally:
            if len(calls) == at:
                os._exit(9)

    os.rename = rename
    try:
        publish()
    finally:
        os._exit(0)


def test_a_draft_of_a_living_process_is_not_touched(monkeypatch):
    monkeypatch.setattr("stepscape.cli.drafts._JUST_MADE", -1.0)  # its lock alone protects it
    unfinished = Unfinished()
    with output.output_directory("work/out", False, unfinished) as draft:
        fill(draft, NEW)
        output.tidy("work/out")
        assert held(draft) == NEW
        script = "from stepscape.cli import output; output.tidy('work/out')"
        subprocess.run([sys.executable, "-c", script], check=True)
        assert held(draft) == NEW
    assert held(Path("work/out")) == NEW


@pytest.mark.parametrize("place", ["work", "work/out"])
def test_a_draft_of_a_process_that_is_gone_does_not_count(monkeypatch, place):
    gone = subprocess.Popen([sys.executable, "-c", ""])
    gone.wait()
    with monkeypatch.context() as patch:
        patch.setattr(os, "getpid", lambda: gone.pid)
        name = files.draft_name()
    fill(Path(place, name), {"new/result.json": "half"})
    with output.output_directory("work/out", False, Unfinished()) as draft:
        fill(draft, NEW)
    assert held(Path("work")) == {f"out/{file}": text for file, text in NEW.items()}


def test_a_draft_whose_number_another_process_has_now_does_not_count(monkeypatch):
    monkeypatch.setattr("stepscape.cli.drafts._JUST_MADE", -1.0)
    fill(Path("work", files.draft_name()), {"new/result.json": "half"})  # ours, but without a lock
    output.tidy("work/out")
    assert os.listdir("work") == []


@pytest.mark.parametrize("name", [".stepscape-elsewhere-1-0123456789abcdef", ".stepscape-mine", ".hidden"])
def test_what_is_not_known_to_be_dead_stays(name):
    fill(Path("work/out", name), {"new/result.json": "half"})
    with pytest.raises(InputError, match="is not empty; name another or add --force"):
        output.ready("work/out", False, [])
    assert os.listdir("work/out") == [name]


def test_a_target_that_is_filled_meanwhile_is_not_replaced():
    def both():
        with output.output_directory("work/out", False, Unfinished()) as draft:
            fill(draft, NEW)
            fill(Path("work/out"), OLD)

    with pytest.raises(InputError, match=r"'.*out' is not empty; name another or add --force"):
        both()
    assert held(Path("work")) == {f"out/{file}": text for file, text in OLD.items()}


def test_the_working_directory_and_a_link_are_filled_not_replaced(monkeypatch):
    Path("real").mkdir()
    Path("link").symlink_to("real")
    with output.output_directory("link", False, Unfinished()) as draft:
        fill(draft, NEW)
    assert Path("link").is_symlink()
    assert held(Path("real")) == NEW
    Path("here").mkdir()
    node = Path("here").stat().st_ino
    monkeypatch.chdir("here")
    with output.output_directory(".", False, Unfinished()) as draft:
        fill(draft, NEW)
    assert Path().stat().st_ino == node
    assert held(Path()) == NEW


def test_an_interrupt_says_what_is_there():
    unfinished = Unfinished()
    with output.output_directory("work/out", False, unfinished) as draft:
        assert unfinished.last_words() == "interrupted; nothing was left behind"
        fill(draft, NEW)
    assert unfinished.last_words(15) == "ended by SIGTERM; the results in 'work/out' are complete"


def test_an_abandoned_file_is_removed_before_an_export(monkeypatch):
    gone = subprocess.Popen([sys.executable, "-c", ""])
    gone.wait()
    with monkeypatch.context() as patch:
        patch.setattr(os, "getpid", lambda: gone.pid)
        dead = files.draft_name() + ".tmp"
    alive = files.draft_name() + ".tmp"
    fill(Path(), {dead: "half", alive: "half", "table.csv": "mine"})
    files.remove_abandoned(".")
    assert held(Path()) == {alive: "half", "table.csv": "mine"}
