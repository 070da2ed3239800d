"""Writing: whole or not at all, and directories that hold nothing else."""

from __future__ import annotations

import errno
import os
import socket
import stat
import subprocess

import pytest
from hypothesis import given
from hypothesis import strategies as st

from stepscape import files
from stepscape.errors import InputError, OutputError


@given(st.text() | st.binary())
def test_what_is_written_is_read(tmp_path_factory, content):
    if isinstance(content, str):
        content = content.encode("utf-8", "replace").decode()
    path = tmp_path_factory.mktemp("w") / "out"
    path.write_bytes(b"old")
    files.write_atomic(path, content)
    assert path.read_bytes() == (content.encode() if isinstance(content, str) else content)


@pytest.mark.parametrize("failure", [OSError(errno.ENOSPC, "No space left on device"), KeyboardInterrupt()])
def test_a_failed_write_leaves_the_old_file_and_nothing_else(tmp_path, monkeypatch, failure):
    def fail(_):
        raise failure

    path = tmp_path / "out.txt"
    path.write_text("old")
    monkeypatch.setattr(os, "fsync", fail)
    sentences = {OutputError: "cannot write .*out.txt': no space left", KeyboardInterrupt: "^$"}
    expected = OutputError if isinstance(failure, OSError) else KeyboardInterrupt
    with pytest.raises(expected, match=sentences[expected]):
        files.write_atomic(path, "new")
    assert path.read_text() == "old"
    assert os.listdir(tmp_path) == ["out.txt"]


@pytest.mark.parametrize("links", [True, False])
def test_a_new_file_replaces_none(tmp_path, monkeypatch, links):
    def refuse(*_):
        raise OSError(errno.EPERM, "Operation not permitted")

    if not links:
        monkeypatch.setattr(os, "link", refuse)
    files.write_atomic(tmp_path / "out", "first", replace=False)
    with pytest.raises(FileExistsError, match="File exists"):
        files.write_atomic(tmp_path / "out", "second", replace=False)
    assert (tmp_path / "out").read_text() == "first"
    assert os.listdir(tmp_path) == ["out"]


def test_a_directory_that_cannot_be_forced_to_disk(tmp_path, monkeypatch):
    with pytest.raises(OutputError, match=r"cannot write .*nowhere': no such file or directory"):
        files.sync_directory(tmp_path / "nowhere")
    synced = []
    monkeypatch.setattr(os, "fsync", lambda descriptor: synced.append(os.fstat(descriptor).st_ino))
    files.sync_directory(tmp_path)
    assert synced == [tmp_path.stat().st_ino]


def test_where_nothing_can_be_written(tmp_path):
    with pytest.raises(OutputError, match=r"cannot write .*: no such file or directory"):
        files.write_atomic(tmp_path / "nowhere" / "out", "")
    (tmp_path / "full").mkdir()
    with pytest.raises(OutputError, match=r"cannot write .*full': is a directory"):
        files.write_atomic(tmp_path / "full", "")
    assert os.listdir(tmp_path) == ["full"]


def test_a_written_file_has_the_mode_of_the_umask_and_links_stay_links(tmp_path):
    target, link = tmp_path / "target", tmp_path / "link"
    target.write_text("old")
    plain = stat.S_IMODE(target.stat().st_mode)
    link.symlink_to(target)
    files.write_atomic(link, "new")
    assert link.is_symlink()
    assert target.read_text() == "new"
    assert stat.S_IMODE(target.stat().st_mode) == plain


def test_prepare_directory_makes_parents(tmp_path):
    made = files.prepare_directory(tmp_path / "a" / "b")
    assert made.is_dir()
    assert not os.listdir(made)
    assert files.prepare_directory(made) == made


def test_a_directory_that_holds_something_needs_force(tmp_path):
    (tmp_path / "kept").write_text("kept")
    with pytest.raises(InputError, match="is not empty; name another or add --force"):
        files.prepare_directory(tmp_path)
    assert files.prepare_directory(tmp_path, force=True) == tmp_path
    assert os.listdir(tmp_path) == ["kept"]


def test_where_no_directory_can_be(tmp_path, monkeypatch):
    (tmp_path / "file").write_text("")
    for path in (tmp_path / "file", tmp_path / "file" / "deeper"):
        with pytest.raises(
            InputError, match=r"cannot use .* as output directory: (it is a file|not a directory)"
        ):
            files.prepare_directory(path)
    with pytest.raises(InputError, match=r"cannot use .* as output directory: embedded null byte"):
        files.prepare_directory("a\0b")

    def refuse(*_):
        raise PermissionError(errno.EACCES, "Permission denied")

    monkeypatch.setattr(files, "open", refuse, raising=False)
    with pytest.raises(InputError, match=r"cannot use .* as output directory: permission denied"):
        files.prepare_directory(tmp_path / "a" / "b")
    assert os.listdir(tmp_path) == ["file"]


@pytest.mark.skipif(os.name != "posix", reason="makes pipes and sockets")
def test_what_may_never_end_is_refused_before_it_is_opened(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)  # the name of a socket is short
    os.mkfifo("pipe")
    os.symlink("pipe", "link")
    os.symlink("/dev/zero", "zero")
    with socket.socket(socket.AF_UNIX) as server:
        server.bind("socket")
        for name, what in {
            "pipe": "a named pipe",
            "link": "a named pipe",
            "socket": "a socket",
            "zero": "a device",
            "/dev/zero": "a device",
        }.items():
            with pytest.raises(InputError, match=f"^cannot read '{name}': it is {what}, not a file$"):
                files.read_bytes(name)
    with pytest.raises(InputError, match=r"^cannot read '.*': is a directory$"):
        files.read_bytes(tmp_path)


@pytest.mark.skipif(not os.path.exists("/dev/fd"), reason="needs /dev/fd")
def test_what_a_shell_hands_over_is_read():
    """As in ``stepscape sweep <(command)``: such a pipe has a writer."""
    reader, writer = os.pipe()
    os.write(writer, b"seeds = 2\n")
    os.close(writer)
    assert files.read_bytes(f"/dev/fd/{reader}") == b"seeds = 2\n"
    os.close(reader)


@pytest.mark.skipif(not os.path.exists("/dev/fd"), reason="needs /dev/fd")
def test_what_a_shell_hands_over_has_the_limit_of_a_file(monkeypatch):
    monkeypatch.setattr(files, "MAX_BYTES", 1000)
    monkeypatch.setattr(files, "_PART", 100)
    with subprocess.Popen(["yes"], stdout=subprocess.PIPE) as endless:
        with pytest.raises(InputError, match="it holds more than 0 MiB"):
            files.read_bytes(f"/dev/fd/{endless.stdout.fileno()}")
        endless.kill()


@pytest.mark.skipif(os.name != "posix", reason="makes pipes and sockets")
@pytest.mark.parametrize("replace", [True, False])
def test_what_is_not_a_file_is_not_replaced_by_one(tmp_path, monkeypatch, replace):
    """As root, a file in the place of a device would break the whole machine."""
    monkeypatch.chdir(tmp_path)
    os.mkfifo("pipe")
    os.symlink("pipe", "link")
    with socket.socket(socket.AF_UNIX) as server:
        server.bind("socket")
        before = {name: os.lstat(name) for name in ("pipe", "link", "socket")}
        for name, what in {"pipe": "a named pipe", "link": "a named pipe", "socket": "a socket"}.items():
            with pytest.raises(InputError, match=f"^cannot write '{name}': it is {what}, not a file$"):
                files.write_atomic(name, "content", replace)
        assert {name: os.lstat(name) for name in os.listdir()} == before


@pytest.mark.skipif(os.name != "posix", reason="a working directory is kept by whoever is in it")
def test_a_file_in_a_directory_that_is_gone_is_named(tmp_path, monkeypatch):
    (tmp_path / "gone").mkdir()
    monkeypatch.chdir(tmp_path / "gone")
    (tmp_path / "gone").rmdir()
    with pytest.raises(OutputError, match=r"^cannot write 'x': no such file or directory$"):
        files.write_atomic("x", "content")


def test_every_kind_has_a_name():
    kinds = (
        stat.S_IFREG,
        stat.S_IFDIR,
        stat.S_IFLNK,
        stat.S_IFIFO,
        stat.S_IFSOCK,
        stat.S_IFCHR,
        stat.S_IFBLK,
        0,
    )
    words = [files.kind(mode) for mode in kinds]
    assert words[:5] == ["a file", "a directory", "a symbolic link", "a named pipe", "a socket"]
    assert words[5:] == ["a device", "a device", "something else"]
