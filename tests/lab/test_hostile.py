"""Stores from elsewhere: no command hangs, follows a link, takes much memory or calls it a defect."""

from __future__ import annotations

import json
import os
import re
import shutil
import signal
import sys
from pathlib import Path

import pytest

import hostile_stores
from hostile_stores import HARMLESS, HOSTILE, MISNAMED, THINGS, first
from stepscape.cli import main
from stepscape.errors import InputError, OutputError
from stepscape.lab import arrays, data, stored
from stepscape.lab.check import check
from stepscape.lab.seal import Damaged
from stepscape.lab.store import Store
from store_cases import entries, filled, identities

pytestmark = pytest.mark.skipif(os.name != "posix", reason="makes pipes and sockets")


@pytest.fixture
def home(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    return filled(Path("s")).path


@pytest.fixture(autouse=True)
def _clock():
    """End a test that hangs, in a system call too."""

    def ring(*_):
        raise TimeoutError("it hangs")

    before = signal.signal(signal.SIGALRM, ring)
    signal.alarm(60)
    yield
    signal.alarm(0)
    signal.signal(signal.SIGALRM, before)


def said(capsys, *words):
    """Status and text of a command, which never is a defect nor acts on a terminal."""
    status = main(list(words))
    printed = capsys.readouterr()
    text = printed.out + printed.err
    assert status in (0, 1, 2)
    assert not re.search(r"defect|Traceback|[\x00-\x09\x0b-\x1f\x7f-\x9f\ud800-\udfff]", text)
    return status, text


def outside(home):
    """Everything beside the store, to the last byte."""
    return {
        path: path.read_bytes()
        for path in sorted(home.parent.rglob("*"))
        if home not in path.parents and path.is_file() and "cache" not in path.parts
    }


@pytest.mark.parametrize("case", HOSTILE)
def test_damage_is_one_sentence_in_every_command_and_check_sets_it_aside(home, capsys, case):
    HOSTILE[case](home)
    before = outside(home)
    for words in (["status", "s"], ["export", "s", "--csv", "t.csv"]):
        status, text = said(capsys, *words)
        if "arrays:" not in case and "npz" not in case:  # a table needs no arrays: whether they are sound
            assert "damaged: " in text or "is damaged: " in text  # only their size tells without a look
            assert len(text.splitlines()) <= 2 + (status == 0)
    Path("t.csv").unlink(missing_ok=True)
    status, text = said(capsys, "check", "s")
    assert status == 1
    assert re.search(r"^damaged: (segments/|plans/|store\.json)", text, re.MULTILINE)
    assert outside(home) == before
    assert any((home / "damaged").iterdir())
    assert said(capsys, "check", "s")[0] == 0  # what is left is a sound store
    store = Store.open(home)
    assert store.damage() == []
    assert store.records(list(store.outcomes()))
    store.commit(entries(range(12)), {})
    assert len(store.outcomes()) == 12


@pytest.mark.parametrize("case", HARMLESS)
def test_what_only_looks_strange_is_no_damage(home, capsys, case):
    HARMLESS[case](home)
    assert said(capsys, "check", "s") == (0, "on record: 12, in sound segments: 3\n")
    assert "warning" not in said(capsys, "export", "s", "--csv", "t.csv")[1]


def test_every_damaged_file_is_counted(home, capsys):
    for name in ("foo", "copy"):
        MISNAMED[name](home)
    first(home).write_bytes(b"")
    _, text = said(capsys, "status", "s")
    assert "damaged: segments/2" in text
    assert "it is empty, as are 2 other files; 'stepscape check s' sets them aside" in text
    assert len(check("s").damage) == 3


def test_check_overwrites_nothing_that_it_set_aside_before(home):
    for content in (b"first", b"second"):
        (home / "segments" / "foo.json").write_bytes(content)
        check(home)
    assert (home / "damaged" / "foo.json").read_bytes() == b"first"
    assert (home / "damaged" / "foo.json.2").read_bytes() == b"second"


@pytest.mark.parametrize("folder", ["segments", "plans", "data", "damaged"])
@pytest.mark.parametrize("command", [["status", "s"], ["export", "s", "--csv", "t.csv"], ["check", "s"]])
def test_a_folder_that_leads_out_of_the_store_is_refused(home, capsys, folder, command):
    away = home.parent / "away"
    shutil.copytree(home / folder, away) if (home / folder).exists() else away.mkdir()
    (away / "mine.json").write_text("not a segment")
    shutil.rmtree(home / folder, ignore_errors=True)
    (home / folder).symlink_to(away)
    before = outside(home)
    status, text = said(capsys, *command)
    assert status == 2
    assert f"'s/{folder}' must not be a symbolic link, got one to '{away}'; link to the whole store" in text
    assert outside(home) == before


def test_a_store_behind_a_link_is_a_store(home, capsys):
    Path("link").symlink_to(home)
    store = Store.create("link")
    store.commit(entries([20]), {})
    assert said(capsys, "check", "link") == (0, "on record: 13, in sound segments: 4\n")


@pytest.mark.parametrize("thing", THINGS)
def test_the_data_of_a_run_are_damaged_or_come_back(home, thing):
    import numpy as np

    x, y = np.arange(5.0), np.ones(5)
    name = data.save(home / "data", x, y)
    file = home / "data" / f"{name}.npz"
    hostile_stores.in_place_of(lambda _: file, THINGS[thing])(home)
    before = outside(home)
    with pytest.raises(OutputError, match=f"{name}.npz' is damaged: "):
        data.load(home / "data", name)
    if thing == "directory":
        with pytest.raises(OutputError, match=r"cannot write .*: is a directory"):
            data.save(home / "data", x, y)
        assert [damage.file for damage in check(home).damage] == [f"data/{name}.npz"]
    data.save(home / "data", x, y)
    assert np.array_equal(data.load(home / "data", name), [x, y])
    assert outside(home) == before


def test_columns_that_are_none_are_no_data(home):
    import numpy as np

    (home / "data").mkdir()
    for columns in (
        {"x": np.ones(2)},
        {"x": np.ones(2), "y": np.ones(3)},
        {"x": np.array(["a"]), "y": np.ones(1)},
    ):
        np.savez(home / "data" / f"{'0' * 32}.npz", **columns)
        with pytest.raises(
            OutputError, match="is damaged: it does not hold columns of numbers, one row for each label"
        ):
            data.load(home / "data", "0" * 32)


def test_the_arrays_of_a_stranger_take_no_more_memory_than_their_file(home):
    """Refused at once: that their memory is never taken follows from a limit on this process."""
    import resource

    limits = resource.getrlimit(resource.RLIMIT_AS)
    used = int(Path("/proc/self/statm").read_text().split()[0]) * os.sysconf("SC_PAGE_SIZE")
    for case in ("compressed", "lzma", "bzip2", "shape"):
        hostile_stores.ARRAYS[case](home)
        run = json.loads(first(home).read_text())["content"]["rows"][0]["identity"]
        resource.setrlimit(resource.RLIMIT_AS, (used + 2**21, limits[1]))
        try:
            with pytest.raises(OutputError, match=r"npz' is damaged: .*(compressed|not that of its bytes)"):
                Store.open(home).records([run])
        finally:
            resource.setrlimit(resource.RLIMIT_AS, limits)


@pytest.mark.parametrize(
    ("case", "says"),
    [
        ("compressed", "it is compressed"),
        ("overlap", "its members have more bytes than the archive"),
        ("shape", "the shape of an array is not that of its bytes"),
        ("objects", "an array holds objects"),
    ],
)
def test_what_is_wrong_with_an_archive_is_said(home, case, says):
    hostile_stores.ARRAYS[case](home)
    with pytest.raises(Damaged, match=f"^its content is not that of an archive of arrays: {says}$"):
        arrays.unpack(hostile_stores.first_npz(home).read_bytes())


@pytest.mark.parametrize(
    ("members", "says"),
    [
        ([("a.npy", hostile_stores.npy((1,), bytes(8)))] * 2, "two members have the same name"),
        ([("a.npy", b"\x93NUMPY\x02\0" + b"\xff" * 8)], "an array has a header of more than 10000 bytes"),
    ],
)
@pytest.mark.filterwarnings("ignore:Duplicate name")
def test_archives_that_no_writer_makes(members, says):
    with pytest.raises(Damaged, match=f"^its content is not that of an archive of arrays: {says}$"):
        arrays.unpack(hostile_stores.archive(members))


def test_what_no_reader_would_accept_is_not_written(home, monkeypatch):
    store = Store.open(home)
    monkeypatch.setattr(stored, "MOST", 1000)
    with pytest.raises(
        InputError, match=r"the numbers of the runs of a batch must fit in 128 MiB, got [0-9]+ b"
    ):
        store.commit(entries(range(20, 40)), {})
    from stepscape.lab.store import new_plan

    with pytest.raises(InputError, match="a sweep must have at most 3 million runs, got 40; split it"):
        store.plan(new_plan(identities(range(40))))


@pytest.mark.skipif(not sys.platform.startswith("linux"), reason="names of bytes")
def test_the_index_is_disposable_whatever_stands_in_its_place(home, cache):
    counts = Store.open(home).counts()
    (file,) = cache.glob("*.sqlite")
    for thing in ("pipe", "socket", "directory", "dangling link", "empty", "not UTF-8"):
        for path in cache.iterdir():
            shutil.rmtree(path) if path.is_dir() and not path.is_symlink() else path.unlink()
        THINGS[thing](file)
        assert Store.open(home).counts() == counts


def test_a_leftover_that_cannot_be_removed_is_one_sentence(home, monkeypatch, capsys):
    file = home / "segments" / ".0123456789abcdef.tmp"
    file.touch()
    os.utime(file, (0, 0))

    def refuse(*_):
        raise PermissionError(1, "Operation not permitted")

    monkeypatch.setattr(Path, "unlink", refuse)
    status, text = said(capsys, "check", "s")
    assert status == 1
    assert f"'{file}' cannot be removed: operation not permitted" in text


def test_a_damaged_plan_costs_no_run(home, capsys):
    for plan in (home / "plans").glob("*.json"):
        plan.write_bytes(b"")
    assert main(["check", str(home)]) == 1
    assert capsys.readouterr().err.endswith("now in its folder damaged/\n")
    assert main(["check", str(home)]) == 0
