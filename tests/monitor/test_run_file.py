"""Files of rows: read while they grow, around damage, after a run resumed."""

from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from monitor_rows import row
from stepscape import files
from stepscape.errors import InputError
from stepscape.monitor.run_file import FOREIGN, RunFile, latest, read_run

ROWS = tuple(row(i, 0.1 * i) for i in range(4))
LINES = [each.to_line() + "\n" for each in ROWS]


@pytest.fixture(scope="module")
def file(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("runs") / "run.jsonl"


@given(st.integers(0, sum(map(len, LINES))))
def test_every_moment_of_a_growing_file_can_be_read(file: Path, written: int) -> None:
    whole = "".join(LINES)
    file.write_text(whole[:written])
    complete, rest = whole[:written].count("\n"), whole[:written].rpartition("\n")[2]
    if f"{rest}\n" in LINES:  # all of the line but its end
        assert read_run(file) == RunFile(ROWS[: complete + 1])
    else:
        assert read_run(file) == RunFile(ROWS[:complete], len(rest))


NAN = LINES[0].replace('"loss":1.0', '"loss":NaN')
NEWER = '{"schema":7,"step":1}\n'


@pytest.mark.parametrize(
    ("before", "says"),
    [
        ("garbage\n", "1 of 5 lines could not be read, line 3: a row must be one JSON object"),
        (LINES[0][:60] + "\n", "1 of 5 lines could not be read, line 3: a row must be one JSON object"),
        (NAN, "line 3: a row must hold finite numbers, and null where nothing was measured, got NaN."),
        (NEWER, "line 3: schema must be 1, got 7; read it with the version of stepscape that wrote it."),
        ("\n{}\n", "1 of 5 lines could not be read, line 4: a row must name its schema"),
        ("1\n" + NEWER + "2\n", "3 of 7 lines could not be read, the first is line 3: a row must be one"),
    ],
)  # fmt: skip
def test_damaged_lines_are_left_out_and_counted(file: Path, before: str, says: str) -> None:
    file.write_text("".join([*LINES[:2], before, *LINES[2:]]))
    found = read_run(file)
    assert found.rows == ROWS
    assert says in found.damage
    assert found.damage.endswith(".")


def test_a_last_line_that_is_no_beginning_of_a_row_is_damage(file: Path) -> None:
    file.write_text(LINES[0] + "half a word")
    found = read_run(file)
    assert (found.rows, found.unfinished) == (ROWS[:1], 0)
    assert "1 of 2 lines could not be read, line 2: a row must be one JSON object" in found.damage


@pytest.mark.parametrize(
    ("content", "says"),
    [
        (b"\x89PNG\r\n\x1a\n\0\0", "got none that can be read; line 1: a row must be one JSON object"),
        (b"\x00\xff" * 50, "got none that can be read; line 1"),
        (LINES[0][:30].encode() + LINES[1].encode(), "got none that can be read; line 1"),
        (NEWER.encode(), "line 1: schema must be 1, got 7"),
        (b"\n\n" + b"[]\n", "line 3: a row must be one JSON object, got \\[\\]"),
        (b"x\n" * FOREIGN + LINES[0].encode(), "got none that can be read; line 1"),
    ],
)  # fmt: skip
def test_a_file_of_something_else_is_refused(file: Path, content: bytes, says: str) -> None:
    file.write_bytes(content)
    with pytest.raises(InputError, match=f"must hold rows, as Monitor.*{says}"):
        read_run(file)


def test_a_row_after_fewer_strange_lines_is_found(file: Path) -> None:
    file.write_bytes(b"x\n" * (FOREIGN - 1) + LINES[0].encode())
    assert read_run(file).rows == ROWS[:1]


@pytest.mark.parametrize("content", ["", "\n", "  \n \n"])
def test_a_file_without_a_row_is_a_run_that_has_not_begun(file: Path, content: str) -> None:
    file.write_text(content)
    assert read_run(file) == RunFile(())


def test_lines_may_end_as_on_windows(file: Path) -> None:
    file.write_bytes("".join(LINES).replace("\n", "\r\n").encode())
    assert read_run(file).rows == ROWS


def test_a_file_that_does_not_fit_in_memory_is_refused(file: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    file.write_text("".join(LINES))
    monkeypatch.setattr(files, "MAX_BYTES", 100)
    with pytest.raises(InputError, match=r"cannot read '.*': it holds more than"):
        read_run(file)


def test_a_file_that_is_not_there_is_refused(tmp_path: Path) -> None:
    with pytest.raises(InputError, match=r"cannot read '.*none\.jsonl': there is no such file"):
        read_run(tmp_path / "none.jsonl")


@given(st.lists(st.integers(0, 9), max_size=12))
def test_a_run_that_resumed_replaces_what_it_makes_again(steps: list[int]) -> None:
    kept = [each.step for each in latest(row(step) for step in steps)]
    # What remains is what no later row reaches back to.
    assert kept == [s for i, s in enumerate(steps) if all(later > s for later in steps[i + 1 :])]
    assert kept == sorted(set(kept))
