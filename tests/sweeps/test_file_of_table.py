"""Sweep files that name a user's table."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from stepscape.cli import main
from stepscape.sweeps.runs import Table
from sweep_files import SMALL, TABLE, changed, read, refuse


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    (tmp_path / "rope.csv").write_text(TABLE)
    return tmp_path


class TestTables:
    PROBLEM = 'data = "rope.csv"\nx = "time"\ny = "pull"'

    def test_its_columns_are_the_problem(self, folder: Path) -> None:
        sweep = read(changed('truth = "tent"', self.PROBLEM), folder)
        table = sweep.specs[0].problem
        assert isinstance(table, Table)
        assert (table.x, table.y, table.n, table.standardize) == ("time", "pull", 40, True)
        [(digest, columns)] = sweep.data.items()
        assert table.data == digest
        assert sum(columns.dropped.values()) == 2

    def test_its_identity_is_its_numbers_not_its_place(self, folder: Path) -> None:
        text = changed('truth = "tent"', self.PROBLEM)
        before = read(text, folder).specs
        (folder / "b").mkdir()
        (folder / "b" / "other.csv").write_text(TABLE.replace(";", ",").replace("3,\nx,1\n", ""))
        moved = text.replace("rope.csv", str(folder / "b" / "other.csv"))
        assert read(moved, "elsewhere").specs == before
        (folder / "rope.csv").write_text(TABLE.replace("0.0;0.0", "0.0;0.5"))
        assert read(text, folder).specs != before

    def test_several_files_and_columns(self, folder: Path) -> None:
        (folder / "two.csv").write_text(TABLE.replace("pull", "push").replace("0.0;0.0", "0.0;0.5"))
        text = changed('truth = "tent"', self.PROBLEM + "\nstandardize = [true, false]")
        assert len(read(text, folder).specs) == 4
        union = SMALL.replace("[problem]", "[[problem]]") + "[[problem]]\n" + self.PROBLEM
        assert len(read(union, folder).specs) == 4

    def test_an_outcome_of_two_values_is_0_and_1(self, folder: Path) -> None:
        sick = "age,state\n" + "".join(f"{i},{'sick' if i % 3 else 'well'}\n" for i in range(30))
        (folder / "sick.csv").write_text(sick)
        (folder / "ones.csv").write_text(sick.replace("sick", "1").replace("well", "0"))
        problem = 'data = "sick.csv"\nx = "age"\ny = "state"\nloss = "logistic"'
        sweep = read(changed('truth = "tent"', problem), folder)
        table = sweep.specs[0].problem
        assert isinstance(table, Table)
        assert sweep.notes == ("state: 'sick' is 1, 'well' is 0",)
        ones = read(changed('truth = "tent"', problem.replace("sick", "ones")), folder)
        assert ones.specs == sweep.specs  # the numbers are the same
        assert ones.notes == ()
        both = problem.replace("sick", "ones").replace('"logistic"', '["logistic", "square"]')
        twice = read(changed('truth = "tent"', both), folder)
        assert {run.problem.loss for run in twice.specs} == {"logistic", "square"}
        [columns] = twice.data.values()
        assert columns.classes == ("0", "1")
        (folder / "answers.csv").write_text(sick.replace("sick", "yes").replace("well", "no"))
        three = problem.replace('"sick.csv"', '["sick.csv", "answers.csv", "ones.csv"]')
        told = read(changed('truth = "tent"', three), folder)
        assert told.notes == ("state: 'sick' is 1, 'well' is 0", "state: 'yes' is 1, 'no' is 0")
        assert told.specs == sweep.specs
        named = read(changed('truth = "tent"', 'kind = "table"\n' + problem), folder)
        assert named.specs == sweep.specs

    def test_what_was_guessed_about_it_is_a_note(self, folder: Path) -> None:
        rows = "".join(f"{i};{800 + 50 * i:,}\n".replace(",", ".") for i in range(15))
        (folder / "rope.csv").write_text("My results\ntime;pull\n" + rows)
        assert read(changed('truth = "tent"', self.PROBLEM), folder).notes == (
            "the table begins on line 2: the line above it, 'My results', was taken for a title",
            "column 'pull': '1.000' was read as 1000, with the point for a thousands separator, "
            "which is a guess",
        )

    @pytest.mark.parametrize(
        ("problem", "sentence"),
        [
            ('data = "rop.csv"\nx = "time"\ny = "pull"', "4: cannot read …; did you mean 'rope.csv'?"),
            ('data = "rope.csv"\nx = "tim"\ny = "pull"', "5: unknown column 'tim'; did you mean 'time'? …"),
            ('x = "time"\ndata = "rope.csv"\ny = "pul"', "6: unknown column 'pul'; did you mean 'pull'? …"),
            (
                'data = "rope.csv"\nx = "time"\ny = "time"',
                "6: x and y must be two columns, got 'time' for both",
            ),
            ('data = "few.csv"\nx = "a"\ny = "b"', "4: 'few.csv' must have at least 10 rows with a number …"),
            (
                'data = "near.csv"\nx = "a"\ny = "b"',
                "4: X must hold inputs that differ by more than rounding, …",
            ),
            ('data = "rope.csv"\nx = "time"', "3: [problem] must give 'y'"),
            ('data = "rope.csv"\ny = "pull"', "3: [problem] must give 'x'"),
            ('data = "rope.csv"\nx = 1\ny = "pull"', "5: x must be text, got 1"),
            (
                PROBLEM + '\nloss = "logistic"',
                "4: column 'pull' must hold two different values for the logistic loss, got 40, such as …; "
                "numbers are for the square loss; dropped: …",
            ),
            (PROBLEM + '\nloss = "hinge"', "7: unknown loss 'hinge'; …known: square, logistic"),
            (
                PROBLEM + '\nkind = "curve"',
                "4: 'data' describes a table and does not go with kind = \"curve\"",
            ),
            (PROBLEM + "\namplitude = 1", "7: 'amplitude' does not go with 'data', …"),
            ('kind = "table"\nx = "time"\ny = "pull"', "3: [problem] must give 'data'"),
            (PROBLEM + "\nstandardize = 1", "7: standardize must be true or false, got 1"),
            (
                PROBLEM + "\nnoise = 1",
                "7: 'noise' does not go with 'data', the file of a table",
            ),
            (
                PROBLEM + "\ndigest = 1",
                "7: unknown [problem] key 'digest'; …known: kind, truth, n, …, standardize, held_out_rows",
            ),
            (
                PROBLEM + "\n[measure]\nheld_out = true",
                "8: held_out must be false for a table that trains on all its rows, got true; set "
                "held_out_rows in [problem], such as 0.2, to hold a fifth of them out",
            ),
            (
                PROBLEM + "\nheld_out_rows = 1.5",
                "7: held_out_rows must be a share of the rows, between 0 and 1, or a whole number of them, "
                "got 1.5",
            ),
            (PROBLEM + "\nheld_out_rows = 0", "7: held_out_rows must be a share …, got 0"),
            (
                PROBLEM + "\nheld_out_rows = 0.01",
                "7: held_out_rows must hold out at least one of the 40 rows, got 0.01",
            ),
            (
                PROBLEM + "\nheld_out_rows = [3, 39]",
                "7: held_out_rows must leave at least 2 of the 40 rows to train on, got 39, which is 39 rows",
            ),
            (
                PROBLEM + "\nheld_out_rows = [3, 3]",
                "7: held_out_rows must list different values, got 3.0 twice",
            ),
            (
                PROBLEM.replace("rope", "twice") + "\nheld_out_rows = 9",
                "7: X must hold at least two distinct inputs of positive weight, got 1.0 in all 3 rows",
            ),
            (
                PROBLEM.replace("rope", "rare") + '\nloss = "logistic"\nheld_out_rows = 0.6',
                "8: held_out_rows must leave rows of both classes to train on, got 0.6, which leaves 5 rows",
            ),
            (
                'truth = "tent"\nheld_out_rows = 0.2',
                "5: 'held_out_rows' describes a table and needs 'data', …",
            ),
        ],
    )
    def test_refused(self, folder: Path, problem: str, sentence: str) -> None:
        (folder / "few.csv").write_text("a,b\n1,2\n")
        (folder / "twice.csv").write_text("time,pull\n" + "1,2\n1,3\n" * 5 + "2,3\n2,4\n")
        (folder / "rare.csv").write_text("time,pull\n" + "".join(f"{i},{i == 7:d}\n" for i in range(12)))
        near = "".join(f"{value!r},1\n" for value in [1.0] * 9 + [1.0 + 2**-52])
        (folder / "near.csv").write_text("a,b\n" + near)
        refuse(changed('truth = "tent"', problem), sentence, folder)


def test_the_sweep_says_what_it_left_out(
    folder: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(folder)
    monkeypatch.setenv("STEPSCAPE_CACHE", str(folder / "cache"))
    text = changed('truth = "tent"', TestTables.PROBLEM).replace("[method]", "[[method]]")
    Path("rope.toml").write_text(text + "[[method]]\nstep_size = 0.1\nsteps = 10\n")
    assert main(["sweep", "rope.toml", "--out", "runs", "--json"]) == 0
    first = json.loads(capsys.readouterr().out)
    (table,) = first["tables"]
    assert (table["x"], table["y"], table["rows"], table["used"]) == ("time", "pull", 42, 40)
    assert sum(table["dropped"].values()) == 2
    assert first["repeated"] == first["total"]
    assert main(["sweep", "rope.toml", "--out", "runs"]) == 0
    said = capsys.readouterr().out
    assert "pull against time: 40 of 42 rows used\n    dropped 1: " in said
    assert f"The file describes {first['total']} more runs, each equal to one of these\n" in said
