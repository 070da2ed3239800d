"""A store that is taken away while a sweep runs: the sweep notices, whoever commits, and says so."""

from __future__ import annotations

import json
import shutil
import threading
from pathlib import Path

import pytest

import lab_work
from lab_work import carried_out
from stepscape.cli import main
from stepscape.errors import OutputError
from stepscape.lab import sweeping
from stepscape.lab.executors import executor
from stepscape.lab.store import Gone, Store
from stepscape.lab.sweeping import sweep
from stepscape.tables.records import Record
from store_cases import entries, identities, listing


def remove(home):
    while home.exists():  # files of a commit come and go meanwhile
        shutil.rmtree(home, ignore_errors=True)


def move(home):
    home.rename(home.with_name("elsewhere"))


def replace(home):
    move(home)
    Store.create(home)


def replace_by_nothing(home):
    move(home)
    home.mkdir()


def replace_by_file(home):
    move(home)
    home.write_text("in its place")


def lose_name(home):
    (home / "store.json").unlink()


def rename(home):
    (home / "store.json").write_bytes(
        (Store.create(home.with_name("other")).path / "store.json").read_bytes()
    )


WAYS = [remove, move, replace, replace_by_nothing, replace_by_file, lose_name, rename]


@pytest.mark.parametrize("way", WAYS)
def test_a_commit_notices_and_leaves_nothing_behind(store, way):
    store.commit(entries([1]), {})
    way(store.path)
    left = listing(store) if store.path.is_dir() else []
    with pytest.raises(Gone, match="store' was removed, moved or replaced while it was in use: "):
        store.commit(entries([2]), {})
    assert (listing(store) if store.path.is_dir() else []) == left


@pytest.mark.parametrize("way", WAYS)
def test_a_commit_notices_what_happened_while_it_wrote(store, monkeypatch, way):
    from stepscape.lab import segment

    write = segment.write

    def writing(*words):
        name = write(*words)
        way(store.path)
        return name

    monkeypatch.setattr(segment, "write", writing)
    with pytest.raises(Gone, match="was removed, moved or replaced while it was in use"):
        store.commit(entries([2]), {})
    if (store.path / "segments").exists():
        assert not any((store.path / "segments").iterdir())  # all or none


def test_a_store_whose_file_was_merely_touched_or_restored_is_the_same(store):
    file = store.path / "store.json"
    content = file.read_bytes()
    file.unlink()
    file.write_bytes(content)
    store.commit(entries([1]), {})
    assert len(store.outcomes()) == 1


@pytest.mark.parametrize("name", ["serial", "threads", "processes"])
@pytest.mark.parametrize("way", [remove, move, replace, lose_name])
def test_a_sweep_whose_store_is_taken_away_ends_with_a_sentence(store, monkeypatch, name, way):
    monkeypatch.setattr(sweeping, "_LOOK", 0.1)
    taken = threading.Event()

    def take(progress):
        if progress.done and not taken.is_set():
            taken.set()
            way(store.path)

    says = r"store' was removed, moved or replaced while .*; \d+ of 400 runs had been committed to it$"
    with pytest.raises(Gone, match=says):
        carried_out(store, lab_work.chores(400, seconds=0.02), name, progress=take)
    assert taken.is_set()
    if way is not replace:
        assert not (store.path / "store.json").exists()  # it is not made anew


def test_the_last_batch_is_no_exception(store):
    """The store is taken away when all is committed: nothing is written any more that could notice."""

    def take(progress):
        if progress.done == progress.total:
            shutil.rmtree(store.path)

    with pytest.raises(Gone, match=r"; 3 of 3 runs had been committed to it$"):
        carried_out(store, lab_work.chores(3), progress=take)


def test_records_that_vanish_while_a_sweep_runs_are_missed(store):
    def take(progress):
        if progress.done == progress.total:
            shutil.rmtree(store.path / "segments")

    says = (
        "^3 of 3 runs were committed to '.*store' and are no longer on record there: their files were removed"
    )
    with pytest.raises(OutputError, match=says) as caught:
        carried_out(store, lab_work.chores(3), progress=take)
    assert not isinstance(caught.value, Gone)
    assert carried_out(store, lab_work.chores(3)).computed == 3


def test_a_long_run_is_not_waited_for(store, monkeypatch):
    monkeypatch.setattr(sweeping, "_LOOK", 0.1)
    looks = []

    def take(progress):
        looks.append(progress)
        if len(looks) == 5:
            move(store.path)

    with pytest.raises(Gone, match=r"; 0 of 2 runs had been committed to it$"):
        carried_out(store, lab_work.chores(2, seconds=60.0), progress=take)


def test_on_dask_too(store, monkeypatch):
    pytest.importorskip("distributed")
    monkeypatch.setenv("PYTHONPATH", str(Path(__file__).parents[1]))

    def take(progress):
        if progress.done and store.path.exists():
            move(store.path)

    with executor("dask", 1) as pool, pytest.raises(Gone, match=r"; \d+ of 300 runs had been committed"):
        sweep(store, lab_work.chores(300, seconds=0.02), lab_work.work, pool, progress=take)


def cheap(run, _tick, data=""):  # noqa: ARG001
    return Record("finished", {"seed_again": run.seed})


def test_the_command_says_how_to_go_on(tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    Path("grid.toml").write_text(
        'seeds = 3\n[problem]\ntruth = "tent"\n[network]\nwidth = 5\n[method]\nstep_size = 0.1\nsteps = 5\n'
    )
    monkeypatch.setattr("stepscape.sweeps.file.work", cheap)
    commit = Store.commit

    def taking(self, *words):
        name = commit(self, *words)
        self.path.rename("elsewhere")
        return name

    with monkeypatch.context() as patch:
        patch.setattr(Store, "commit", taking)
        assert main(["sweep", "grid.toml", "--out", "runs", "--executor", "serial", "--json"]) == 1
    printed = capsys.readouterr()
    assert printed.out == ""
    assert printed.err.startswith("stepscape: 'runs' was removed, moved or replaced while it was in use: ")
    assert printed.err.endswith("committed to it; the same command begins anew, or resumes when it is back\n")
    assert not Path("runs").exists()
    Path("elsewhere").rename("runs")
    assert main(["sweep", "grid.toml", "--out", "runs", "--json"]) == 0
    assert json.loads(capsys.readouterr().out)["reused"] >= 1


def test_two_names_of_one_store_are_one_store(tmp_path):
    Store.create(tmp_path / "store")
    (tmp_path / "link").symlink_to("store")
    store = Store.open(tmp_path / "link")
    store.commit(entries([1]), {})
    assert list(Store.open(tmp_path / "store").outcomes()) == identities([1])
