"""Files of rows: read strictly, while they grow, after a run resumed."""

from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from monitor_rows import row
from stepscape import files
from stepscape.errors import InputError
from stepscape.monitor.run_file import RunFile, latest, read_run

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


@pytest.mark.parametrize(
    ("content", "says"),
    [
        (LINES[0].encode() + b"garbage\n" + LINES[1].encode(), "cannot read line 2 of '.*': a row must be"),
        (b"\x89PNG\r\n\x1a\n\0\0", "cannot read line 1 of"),
        (b"\x00\xff" * 50, "cannot read line 1 of"),
        (LINES[0].encode() + b"half a word", "cannot read line 2 of"),
        (LINES[0][:30].encode() + LINES[1].encode(), "cannot read line 1 of"),
        (b'{"schema":7,"step":1}\n', "cannot read line 1 of '.*': schema must be 1, got 7"),
        (b"\n\n" + b"[]\n", "cannot read line 3 of '.*': a row must be one JSON object, got \\[\\]"),
    ],
)  # fmt: skip
def test_a_damaged_line_is_named(file: Path, content: bytes, says: str) -> None:
    file.write_bytes(content)
    with pytest.raises(InputError, match=says):
        read_run(file)


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
