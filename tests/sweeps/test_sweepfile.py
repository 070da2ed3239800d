"""Sweep files: what they mean, on which line each mistake is, and the example that is printed."""

from __future__ import annotations

import inspect
import json
import math
import re
import tomllib
from decimal import Decimal, getcontext
from importlib.resources import files
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from stepscape.cli import main
from stepscape.errors import InputError
from stepscape.lab.pool import run_all
from stepscape.problems.curves import bernoulli
from stepscape.sweeps.cluster_options import KEYS
from stepscape.sweeps.file import SweepFile, read_sweep
from stepscape.sweeps.grid import one, spread
from stepscape.sweeps.key_lines import key_lines, line_of
from stepscape.sweeps.runs import Bernoulli, Curve, Measure, Method, Network, Run, Table, build
from stepscape.sweeps.sections import PARTS, SECTIONS, keys_of

SMALL = """title = "small"
seeds = 2
[problem]
truth = "tent"
[network]
width = 5
[method]
step_size = 0.1
steps = 10
"""
TABLE = "time;pull\n" + "".join(f"{i / 4};{math.sin(i)}\n" for i in range(40)) + "3;\nx;1\n"
EXAMPLE = (files("stepscape") / "data" / "example-sweep.toml").read_text(encoding="utf-8")


def read(text: str, folder: Path | str = "") -> SweepFile:
    return read_sweep(text, "sweep.toml", folder)


def changed(old: str, new: str) -> str:
    assert old in SMALL
    return SMALL.replace(old, new, 1)


def refuse(text: str | bytes, sentence: str, folder: Path | str = "") -> None:
    """The file is refused with exactly this sentence, where … stands for anything."""
    pattern = ".*".join(re.escape(part) for part in sentence.split("…"))
    with pytest.raises(InputError, match=f"^sweep.toml, line {pattern}$") as caught:
        read_sweep(text, "sweep.toml", folder)
    assert "\n" not in str(caught.value)


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    (tmp_path / "rope.csv").write_text(TABLE)
    return tmp_path


class TestLines:
    TEXT = '''# "a = 1"
top = "x = 1 # not a comment" # a comment with ] and "
a.b . "c.d" = 1
[sec.'q x']   # comment
list = [ # [
  1, # ,
  [2,
   3], { in = 4, deep.er = [
   5] },
]
multi = """
no = 1 \\"""
[no]
""""
literal = \'\'\'
[[no]] \'\' \'\'\'\'
date = 1979-05-27 07:32:00
"quoted \\u0041" = {}
bare-1_2=true
[[many]]
one = 1
[[many]]
two = {x=1,y="}"}
[many.sub]
three = 'C:\\' # "
[[many.deep]]
four = []
[[many.deep]]
five = inf
'''

    def test_every_key_of_an_awkward_text(self) -> None:
        assert key_lines(self.TEXT) == {
            ("top",): 2,
            ("a",): 3,
            ("a", "b"): 3,
            ("a", "b", "c.d"): 3,
            ("sec", "q x"): 4,
            ("sec", "q x", "list"): 5,
            ("sec", "q x", "list", 0): 6,
            ("sec", "q x", "list", 1): 7,
            ("sec", "q x", "list", 1, 0): 7,
            ("sec", "q x", "list", 1, 1): 8,
            ("sec", "q x", "list", 2): 8,
            ("sec", "q x", "list", 2, "in"): 8,
            ("sec", "q x", "list", 2, "deep"): 8,
            ("sec", "q x", "list", 2, "deep", "er"): 8,
            ("sec", "q x", "list", 2, "deep", "er", 0): 9,
            ("sec", "q x", "multi"): 11,
            ("sec", "q x", "literal"): 15,
            ("sec", "q x", "date"): 17,
            ("sec", "q x", "quoted A"): 18,
            ("sec", "q x", "bare-1_2"): 19,
            ("many",): 20,
            ("many", 0): 20,
            ("many", 0, "one"): 21,
            ("many", 1): 22,
            ("many", 1, "two"): 23,
            ("many", 1, "two", "x"): 23,
            ("many", 1, "two", "y"): 23,
            ("many", 1, "sub"): 24,
            ("many", 1, "sub", "three"): 25,
            ("many", 1, "deep"): 26,
            ("many", 1, "deep", 0): 26,
            ("many", 1, "deep", 0, "four"): 27,
            ("many", 1, "deep", 1): 28,
            ("many", 1, "deep", 1, "five"): 29,
        }

    def test_lines_that_end_as_on_windows(self) -> None:
        assert key_lines(self.TEXT.replace("\n", "\r\n")) == key_lines(self.TEXT)

    def test_every_path_of_the_parser_has_a_line(self) -> None:
        for text in (self.TEXT, EXAMPLE, SMALL, ""):
            lines = key_lines(text)
            missing = [path for path in paths(tomllib.loads(text)) if path not in lines and path != ("sec",)]
            assert not missing

    def test_what_has_no_line_stands_on_that_of_what_is_around_it(self) -> None:
        lines = key_lines(SMALL)
        assert line_of(lines, ("method", "steps", 3, "x")) == 9
        assert line_of(lines, ("method", "no")) == 7
        assert line_of(lines, ("no", "no")) == 1

    @given(
        st.recursive(
            st.one_of(st.integers(-9, 9), st.booleans(), st.text(alphabet="ab\"'#=[]{},.\\ ", max_size=4)),
            lambda inner: (
                st.lists(inner, max_size=3)
                | st.dictionaries(st.text(alphabet='a."]#=', min_size=1, max_size=3), inner, max_size=3)
            ),
            max_leaves=8,
        ),
        st.booleans(),
    )
    def test_one_more_line_in_front_moves_everything_by_one(self, value: Any, spaced: bool) -> None:
        text = f"before = {toml(value, ' ' if spaced else '')} # end\nafter = 1\n"
        assert tomllib.loads(text)["before"] == value
        lines = key_lines(text)
        assert lines["after",] == 2
        assert {path for path in paths(tomllib.loads(text)) if path not in lines} == set()
        moved = key_lines("# = [\n" + text)
        assert moved == {path: line + 1 for path, line in lines.items()}


def paths(value: Any, path: tuple[str | int, ...] = ()) -> list[tuple[str | int, ...]]:
    """Every path of a document, keys and indexes."""
    inner = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    return [found for key, item in inner for found in ((*path, key), *paths(item, (*path, key)))]


def toml(value: Any, space: str) -> str:
    """Write a value on one line."""
    if isinstance(value, dict):
        pairs = (f"{json.dumps(key)}{space}={space}{toml(item, space)}" for key, item in value.items())
        return "{" + f",{space}".join(pairs) + "}"
    if isinstance(value, list):
        return "[" + "".join(f"{space}{toml(item, space)}," for item in value) + "]"
    return json.dumps(value)


class TestValues:
    def test_a_spread_has_exact_ends_and_the_nearest_floats_between(self) -> None:
        assert spread("k", float, {"linspace": [0.1, 0.5, 5]}) == [0.1, 0.2, 0.3, 0.4, 0.5]
        assert spread("k", float, {"logspace": [0.01, 1, 3]}) == [0.01, 0.1, 1.0]
        assert spread("k", int, {"logspace": [100, 10000, 3]}) == [100, 1000, 10000]
        assert spread("k", int, {"linspace": [1, 3, 9]}) == [1, 2, 3]

    @given(st.floats(1e-6, 1e3), st.floats(1.001, 1e6), st.integers(2, 9))
    def test_a_geometric_spread_has_equal_ratios(self, low: float, factor: float, count: int) -> None:
        high = low * factor
        found = spread("k", float, {"logspace": [low, high, count]})
        assert (found[0], found[-1], len(found)) == (low, high, count)
        # value^(count-1) = low^(count-1-i) high^i, in exact arithmetic up to one rounding of the value
        getcontext().prec = 60
        for i, value in enumerate(found):
            right = Decimal(repr(low)) ** (count - 1 - i) * Decimal(repr(high)) ** i
            assert abs(Decimal(value) ** (count - 1) / right - 1) <= Decimal(2) ** -53 * count

    def test_a_whole_number_serves_as_a_number_and_nothing_as_anything_else(self) -> None:
        assert type(one("k", float, 3)) is float
        assert math.copysign(1.0, one("k", float, -0.0)) == 1.0
        wrong = {
            int: [1.0, True, "1", [1], None],
            float: [True, "1", [1]],
            bool: [0, 1, "true"],
            str: [1, True, ["a"]],
        }
        must = {int: "a whole number", float: "a number", bool: "true or false", str: "text"}
        for kind, values in wrong.items():
            for value in values:
                with pytest.raises(InputError, match=f"^k must be {must[kind]}, got"):
                    one("k", kind, value)


class TestMeaning:
    def test_defaults(self) -> None:
        sweep = read(SMALL)
        assert (sweep.title, sweep.repeated, sweep.cluster, sweep.data) == ("small", 0, {}, {})
        assert sweep.specs == tuple(
            Run(
                problem=Curve(truth="tent"),
                network=Network(width=5),
                method=Method(step_size=0.1, steps=10),
                seed=seed,
            )
            for seed in (0, 1)
        )
        least = read(SMALL.partition("seeds = 2\n")[2])
        assert (least.title, [run.seed for run in least.specs]) == ("", [0])

    def test_every_key_reaches_its_field(self) -> None:
        text = """
        seeds = [7]
        problem = { truth = "wave", n = 4, noise = 1, half_width = 2, design = "uniform", loss = "square" }
        network = { width = 6, scale = 2, init = "mean_field" }
        [method]
        step_size = 1
        steps = 3
        momentum = 0.5
        nesterov = true
        weight_decay = 1e-3
        warmup_steps = 2
        [measure]
        records = 9
        sharpness = false
        held_out = true
        curve_points = 11
        trajectory = true
        """
        [run] = read(text).specs
        assert run == Run(
            problem=Curve(truth="wave", n=4, noise=1.0, half_width=2.0, design="uniform", loss="square"),
            network=Network(width=6, scale=2.0, init="mean_field"),
            method=Method(
                step_size=1.0, steps=3, momentum=0.5, nesterov=True, weight_decay=1e-3, warmup_steps=2
            ),
            measure=Measure(records=9, sharpness=False, held_out=True, curve_points=11, trajectory=True),
            seed=7,
        )
        given = {"problem": 6, "network": 3, "method": 6, "measure": 5}
        assert {section: len(keys_of(PARTS[section][0])) for section in given} == given

    def test_labels_of_two_classes(self) -> None:
        text = """
        [problem]
        kind = "bernoulli"
        truth = "wave"
        n = 4
        amplitude = [1, 4]
        flip_rate = 0.1
        half_width = 2
        design = "uniform"
        loss = "logistic"
        [network]
        width = 6
        [method]
        step_size = 1
        steps = 3
        [measure]
        held_out = true
        """
        least = Bernoulli(truth="wave")
        assert (least.n, least.amplitude, least.flip_rate, least.loss) == (100, 2.0, 0.0, "logistic")
        for run, amplitude in zip(read(text).specs, (1.0, 4.0), strict=True):
            assert run.problem == Bernoulli(
                truth="wave", n=4, amplitude=amplitude, flip_rate=0.1, half_width=2.0, design="uniform"
            )
            drawn = bernoulli("wave", 4, amplitude, 0.1, run.seed, 2.0, "uniform")
            made = build(run)[0]
            np.testing.assert_array_equal(made.labels, drawn.labels)
            assert (made.loss, made.truth) == ("logistic", drawn.truth)
        assert len(keys_of(Bernoulli)) == 7

    def test_a_curve_may_name_its_kind(self) -> None:
        assert read(changed('truth = "tent"', 'kind = "curve"\ntruth = "tent"')).specs == read(SMALL).specs

    def test_all_combinations_in_the_order_of_the_file(self) -> None:
        text = changed("truth", "n = [5, 4]\ntruth").replace("step_size = 0.1", "step_size = [0.2, 0.1]")
        found = [(run.seed, run.problem.n, run.method.step_size) for run in read(text).specs]
        assert found == [(s, n, eta) for s in (0, 1) for n in (5, 4) for eta in (0.2, 0.1)]
        turned = text.replace("step_size = [0.2, 0.1]\nsteps = 10", "steps = [1, 2]\nstep_size = [0.2, 0.1]")
        inner = [(run.method.steps, run.method.step_size) for run in read(turned).specs[:4]]
        assert inner == [(1, 0.2), (1, 0.1), (2, 0.2), (2, 0.1)]

    def test_sections_side_by_side_count_equal_runs_once(self) -> None:
        more = "[[method]]\nstep_size = [0.1, 0.3]\nsteps = 10.0\n".replace("10.0", "10")
        sweep = read(changed("[method]", "[[method]]") + more)
        assert [run.method.step_size for run in sweep.specs] == [0.1, 0.3, 0.1, 0.3]
        assert sweep.repeated == 2

    @pytest.mark.parametrize(
        ("seeds", "meant"),
        [("3", [0, 1, 2]), ("[5, 3]", [5, 3]), ("{first = 4, count = 2}", [4, 5]), ("{count = 2}", [0, 1])],
    )
    def test_seeds(self, seeds: str, meant: list[int]) -> None:
        assert [run.seed for run in read(changed("seeds = 2", f"seeds = {seeds}")).specs] == meant

    def test_the_cluster_and_the_title_are_no_part_of_a_run(self) -> None:
        asked = """
        [cluster]
        queue = "normal"
        account = "me"
        cores = 8
        processes = 4
        memory = "16GB"
        walltime = "1-02:00:00"
        interface = "ib0"
        local_directory = "/tmp"
        log_directory = "logs"
        python = "python3"
        prologue = ["module load python"]
        directives = ["--gpus=0"]
        """
        sweep = read(changed("small", "other") + asked)
        assert sweep.specs == read(SMALL).specs
        assert sweep.cluster["job_script_prologue"] == ["module load python"]
        assert sweep.cluster["job_extra_directives"] == ["--gpus=0"]
        assert (sweep.cluster["queue"], sweep.cluster["cores"], len(sweep.cluster)) == (
            "normal",
            8,
            len(KEYS),
        )

    def test_what_is_asked_of_the_cluster_bears_the_names_of_dask_jobqueue(self) -> None:
        core, slurm = (pytest.importorskip(f"dask_jobqueue.{name}") for name in ("core", "slurm"))
        known = {*inspect.signature(core.Job).parameters, *inspect.signature(slurm.SLURMJob).parameters}
        assert {name for name, _ in KEYS.values()} <= known

    def test_bytes_with_the_mark_of_windows(self) -> None:
        assert read_sweep(b"\xef\xbb\xbf" + SMALL.encode(), "s").specs == read(SMALL).specs


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
            (PROBLEM + "\namplitude = 1", "7: 'amplitude' describes a curve and does not go with 'data', …"),
            ('kind = "table"\nx = "time"\ny = "pull"', "3: [problem] must give 'data'"),
            (PROBLEM + "\nstandardize = 1", "7: standardize must be true or false, got 1"),
            (
                PROBLEM + "\nnoise = 1",
                "7: 'noise' describes a curve and does not go with 'data', the file of a table",
            ),
            (
                PROBLEM + "\ndigest = 1",
                "7: unknown [problem] key 'digest'; …known: kind, truth, n, …, standardize",
            ),
            (
                PROBLEM + "\n[measure]\nheld_out = true",
                "8: held_out must be false for a table, got true; only a curve has further samples",
            ),
        ],
    )
    def test_refused(self, folder: Path, problem: str, sentence: str) -> None:
        (folder / "few.csv").write_text("a,b\n1,2\n")
        near = "".join(f"{value!r},1\n" for value in [1.0] * 9 + [1.0 + 2**-52])
        (folder / "near.csv").write_text("a,b\n" + near)
        refuse(changed('truth = "tent"', problem), sentence, folder)


class TestRefusals:
    @pytest.mark.parametrize(
        ("old", "new", "sentence"),
        [
            # what does not exist, or not there
            (
                "width",
                "widht",
                "6: unknown [network] key 'widht'; did you mean 'width'? known: width, scale, init",
            ),
            ("width", "steps", "6: 'steps' belongs in [method]"),
            (
                "width = 5",
                "width = 5\nseeds = 3",
                "7: 'seeds' belongs at the top of the file, above the first section",
            ),
            ("seeds", "step_size", "2: 'step_size' belongs in [method]"),
            (
                "seeds = 2",
                "sed = 2",
                "2: unknown key or section 'sed'; did you mean 'seeds'? known: title, seeds, problem, …, "
                "measure, cluster",
            ),
            ("[network]", "[netwrok]", "5: unknown key or section 'netwrok'; did you mean 'network'? …"),
            ("[network]\nwidth = 5\n", "", "1: the file must have a section [network]"),
            ("width = 5", "", "5: [network] must give 'width'"),
            ("step_size = 0.1", "", "7: [method] must give 'step_size'"),
            (
                'truth = "tent"',
                "noise = 1",
                "3: [problem] must give 'truth', the name of a curve, or 'data', the file of a table",
            ),
            ('truth = "tent"', 'y = "a"', "4: 'y' describes a table and needs 'data', its file"),
            ("seeds = 2", "seeds = 2\nnetwork.width = 5.5\n", "…: not TOML: cannot …"),
            # of another type
            ('"small"', "5", "1: title must be text, got 5"),
            ("width = 5", 'width = "5"', "6: width must be a whole number, got '5'"),
            ("width = 5", "width = 5.0", "6: width must be a whole number, got 5.0"),
            ("width = 5", "width = [5, [6]]", "6: width must be a whole number, got [6]"),
            (
                "steps = 10",
                "steps = 1979-05-27",
                "9: steps must be a whole number, got datetime.date(1979, 5, 27)",
            ),
            ("0.1", "true", "8: step_size must be a number, got true"),
            ("steps = 10", "steps = 10\nnesterov = 1", "10: nesterov must be true or false, got 1"),
            ("width = 5", f"width = {10**40}", "6: width must be a whole number of 64 bits, got one of 133"),
            ("0.1", f"{10**400}", "8: step_size must be a number that a float holds, got one of 1329 bits"),
            ("[network]\nwidth = 5", "[[network]]", "5: [network] must give 'width'"),
            ("seeds = 2", "seeds = 2\nmeasure = 5", "3: measure must be a section, [measure], got 5"),
            ("seeds = 2", "seeds = 2\nmeasure = [{}]", "3: measure must be a section, [measure], got [{}]"),
            ("[network]\nwidth = 5", "", "1: the file must have a section [network]"),
            ("seeds = 2\n[problem]", "network = []\n[problem]", "…"),
            # out of range, in the words of the constructors
            ("width = 5", "width = -1", "6: width must lie between 1 and 10000000, got -1"),
            ("width = 5", "width = 5\nscale = 0", "7: scale must be finite and positive, got 0.0"),
            ("width = 5", "width = 5\ninit = 'he'", "7: init must be 'torch' or 'mean_field', got 'he'"),
            ('"tent"', '"tnt"', "4: unknown curve 'tnt'; did you mean 'tent'? …"),
            ('"tent"', '"tent"\nn = 0', "5: n must lie between 1 and 10000000, got 0"),
            ('"tent"', '"tent"\nn = 1_000_000_000', "5: n must lie between 1 and 10000000, got 1000000000"),
            ('"tent"', '"tent"\nnoise = nan', "5: noise must be finite and not negative, got nan"),
            ('"tent"', '"tent"\nhalf_width = -1', "5: half_width must be finite and positive, got -1.0"),
            (
                '"tent"',
                '"tent"\ndesign = "grid"',
                "5: design must be 'jittered', 'uniform' or 'equispaced', got 'grid'",
            ),
            (
                '"tent"',
                '"tent"\nloss = "logistic"',
                "5: loss must be 'square', got 'logistic'; labels of two classes around a curve are kind = "
                '"bernoulli"',
            ),
            (
                '"tent"',
                '"tent"\namplitude = 2',
                "5: 'amplitude' describes labels of two classes and needs kind = \"bernoulli\"",
            ),
            ('"tent"', '"tent"\nkind = "bernouli"', "5: unknown kind of problem 'bernouli'; did you mean …"),
            ('"tent"', '"tent"\nkind = ["curve", "bernoulli"]', "5: kind must be text, got ['curve', …"),
            ('truth = "tent"', 'kind = "bernoulli"', "3: [problem] must give 'truth', the name of a curve"),
            (
                '"tent"',
                '"tent"\nkind = "bernoulli"\nnoise = 1',
                "6: 'noise' describes numbers around a curve and does not go with kind = \"bernoulli\"",
            ),
            (
                '"tent"',
                '"tent"\nkind = "bernoulli"\nx = "a"',
                "6: 'x' describes a table and needs 'data', its file",
            ),
            (
                '"tent"',
                '"tent"\nkind = "bernoulli"\nloss = "square"',
                "6: loss must be 'logistic' for labels of two classes, got 'square'; numbers around a curve "
                'are kind = "curve"',
            ),
            (
                '"tent"',
                '"tent"\nkind = "bernoulli"\nflip_rate = [0, 0.5]',
                "6: flip_rate must lie in [0, 0.5), got 0.5",
            ),
            (
                '"tent"',
                '"tent"\nkind = "bernoulli"\namplitude = -1',
                "6: amplitude must be finite and not negative, got -1.0",
            ),
            ("width = 5", 'width = 5\nkind = "a"', "7: unknown [network] key 'kind'; …"),
            ("0.1", "-0.1", "8: step_size must be finite and positive, got -0.1"),
            ("0.1", "inf", "8: step_size must be finite and positive, got inf"),
            ("0.1", "[\n0.1,\n\n0.0]", "11: step_size must be finite and positive, got 0.0"),
            ("steps = 10", "steps = 0", "9: steps must be at least 1, got 0"),
            ("steps = 10", "steps = 10\nmomentum = [0.5, 1]", "10: momentum must lie in [0, 1), got 1.0"),
            (
                "steps = 10",
                "steps = 10\nweight_decay = -1",
                "10: weight_decay must be finite and not negative, got -1.0",
            ),
            ("steps = 10", "steps = 10\nwarmup_steps = -1", "10: warmup_steps must not be negative, got -1"),
            (
                "steps = 10",
                "steps = 10\nmomentum = [0.5, 0]\nnesterov = [false, true]",
                "11: nesterov must come with momentum > 0, got momentum 0; …",
            ),
            ("seeds = 2", "measure.records = 0", "2: records must lie between 1 and 10000000, got 0"),
            (
                "seeds = 2",
                "measure.curve_points = -1",
                "2: curve_points must lie between 0 and 10000000, got -1",
            ),
            ("seeds = 2", "measure.records = [1, 2]", "2: records must be a whole number, got [1, 2]"),
            (
                "seeds = 2",
                "measure.sharpnes = true",
                "2: unknown [measure] key 'sharpnes'; did you mean 'sharpness'? …",
            ),
            # grids
            ("0.1", "[]", "8: step_size must list at least one value, got []"),
            ("0.1", "[0.1, 1, 1.0]", "8: step_size must list different values, got 1.0 twice"),
            (
                "0.1",
                "{ logspce = [1, 2, 3] }",
                "8: unknown spread of step_size 'logspce'; did you mean 'logspace'? …",
            ),
            ("0.1", "{}", "8: step_size must have one of logspace and linspace, got neither"),
            (
                "0.1",
                "{ logspace = [1, 2, 3], linspace = [1, 2, 3] }",
                "8: step_size must have one of logspace and linspace, got both",
            ),
            ("0.1", "{ logspace = 3 }", "8: logspace of step_size must be [low, high, count], got 3"),
            (
                "0.1",
                "{ logspace = [1, 2] }",
                "8: logspace of step_size must be [low, high, count], got [1, 2]",
            ),
            ("0.1", "{ logspace = [0, 2, 3] }", "8: low of logspace of step_size must be positive, got 0"),
            (
                "0.1",
                "{ linspace = [2, 1, 3] }",
                "8: linspace of step_size must have finite ends with low < high, …",
            ),
            (
                "0.1",
                "{ linspace = [1, inf, 3] }",
                "8: linspace of step_size must have finite ends with low < high, …",
            ),
            (
                "0.1",
                "{ linspace = [1, 'b', 3] }",
                "8: high of linspace of step_size must be a number, got 'b'",
            ),
            (
                "0.1",
                "{ linspace = [1, 2, 3.0] }",
                "8: count of linspace of step_size must be a whole number, got 3.0",
            ),
            (
                "0.1",
                "{ linspace = [1, 2, 1] }",
                "8: count of linspace of step_size must lie between 2 and 100000, got 1",
            ),
            ("0.1", "{ linspace = [-1, 2, 4] }", "8: step_size must be finite and positive, got -1.0"),
            ('"tent"', "{ linspace = [1, 2, 3] }", "4: truth must be text, got {'linspace': [1, 2, 3]}"),
            ("seeds = 2", "seeds = 0", "2: the number of seeds must lie between 1 and 1000000, got 0"),
            ("seeds = 2", "seeds = []", "2: seeds must list at least one value, got []"),
            ("seeds = 2", "seeds = [1,\n1]", "3: seeds must list different values, got 1 twice"),
            ("seeds = 2", "seeds = [1,\n-1]", "3: seeds must not be negative, got -1"),
            ("seeds = 2", "seeds = 'a'", "2: seeds must be a whole number, got 'a'"),
            (
                "seeds = 2",
                "seeds = { frst = 1 }",
                "2: unknown key of seeds 'frst'; did you mean 'first'? known: first, count",
            ),
            ("seeds = 2", "seeds = { first = 1 }", "2: seeds must give count, got {'first': 1}"),
            ("seeds = 2", "seeds = { first = -1, count = 1 }", "2: seeds must not be negative, got -1"),
            (
                "0.1",
                "{ linspace = [1, 2, 100_000] }\nmomentum = { linspace = [0, 0.5, 6] }",
                "8: a sweep must have at most 1000000 runs, got 1200000; thin out its lists or split it",
            ),
            # the cluster
            ("seeds = 2", "cluster = 5", "2: cluster must be one section, [cluster], got 5"),
            ("seeds = 2", "cluster.queu = 'a'", "2: unknown [cluster] key 'queu'; did you mean 'queue'? …"),
            ("seeds = 2", "cluster.queue = ' '", "2: queue must not be empty, got ' '"),
            ("seeds = 2", "cluster.cores = 0", "2: cores must be at least 1, got 0"),
            ("seeds = 2", "cluster.cores = '1'", "2: cores must be a whole number, got '1'"),
            ("seeds = 2", "cluster.memory = 'big'", "2: memory must be an amount such as \"4GB\", got 'big'"),
            (
                "seeds = 2",
                "cluster.walltime = '2h'",
                '2: walltime must be a time such as "02:00:00" or "1-12:00:00", got \'2h\'',
            ),
            ("seeds = 2", "cluster.prologue = 'a'", "2: prologue must be a list of lines of text, got 'a'"),
            # not TOML
            ("[network]", "[network", "5: not TOML: expected ']' at the end of a table declaration"),
            (
                '"tent"',
                "tent",
                "4: not TOML: invalid value; text stands in double quotes, numbers and true or false do not",
            ),
            ("width = 5", "width = 5\nwidth = 6", "…: not TOML: cannot overwrite a value; a key stands once"),
            (
                "[network]",
                "[problem]",
                "…: not TOML: cannot declare …; a section stands once; [[method]] may stand several times",
            ),
            (
                "width = 5",
                "width 5",
                "6: not TOML: expected '=' after a key in a key/value pair; each line is key = value",
            ),
            ("steps = 10", 'steps = """', "9: not TOML: unterminated string"),
            ("0.1", "[" * 5000, "1: not TOML that can be read: it is nested too deeply"),
            ("0.1", "9" * 5000, "8: not TOML that can be read: a number has thousands of digits"),
        ],
    )
    def test_one_sentence_with_the_line(self, old: str, new: str, sentence: str) -> None:
        refuse(changed(old, new), sentence)

    def test_a_file_that_is_not_utf_8(self) -> None:
        refuse(
            SMALL.encode().replace(b"tent", b"t\xe9nt"),
            "4: the file must be UTF-8 text, got byte 0xe9; save it as UTF-8",
        )
        refuse(SMALL.encode("utf-16"), "1: the file must be UTF-8 text, got byte 0xff; save it as UTF-8")

    def test_no_array_is_made_for_a_grid_that_is_too_large(self) -> None:
        axis = "{ linspace = [0.1, 0.9, 100_000] }"
        text = changed("0.1", axis) + f"momentum = {axis}\nweight_decay = {axis}\n"
        refuse(text, "8: a sweep must have at most 1000000 runs, got 2000000000000000; …")

    @given(st.text(alphabet="[]{}=\"#\n.,a1 -'", max_size=40))
    def test_any_text_is_read_or_refused_with_its_line(self, text: str) -> None:
        with pytest.raises(InputError, match=r"^sweep.toml, line \d+: [^\n]+$"):
            read(text)


class TestExample:
    def test_is_printed(self, capsys: pytest.CaptureFixture[str]) -> None:
        assert main(["example-sweep"]) == 0
        assert capsys.readouterr().out == EXAMPLE
        assert main(["example-sweep", "--json"]) == 0
        document = json.loads(capsys.readouterr().out)
        assert document == {"schema": 1, "command": "example-sweep", "file": EXAMPLE}

    def test_runs(self, tmp_path: Path) -> None:
        sweep = read(EXAMPLE)
        assert (len(sweep.specs), sweep.repeated) == (24, 0)
        short = read(EXAMPLE.replace("20_000", "200").replace("seeds = 3 ", "seeds = 1 "))
        records = run_all(short.work_in(tmp_path), short.specs, 2, lambda _: None)
        assert {record.outcome for record in records} <= {"finished", "diverged"}
        assert sum(record.outcome == "finished" for record in records) >= 7

    def test_shows_every_key_with_its_default(self) -> None:
        section, shown = "", dict[tuple[str, str], str]()
        for line in EXAMPLE.splitlines():
            if header := re.match(r"#? ?\[+(\w+)\]+", line):
                section = header[1]
            elif pair := re.match(r"(#?) ?([a-z_]+) = (.*?)(  .*)?$", line):
                shown[section, pair[2]] = pair[3] if pair[1] and not line.startswith("# ") else ""
        known = {(name, key) for name, parts in PARTS.items() for part in parts for key in keys_of(part)}
        known |= {("problem", "kind")}
        known |= {("cluster", key) for key in KEYS} - {
            ("cluster", key)
            for key in ("processes", "interface", "local_directory", "log_directory", "python")
        }
        assert set(shown) - {("", "title"), ("", "seeds")} == known
        example = {"problem": Curve(truth=""), "network": Network(width=1), "measure": Measure()}
        example["method"] = Method(step_size=1.0, steps=1)
        for (name, key), text in shown.items():
            if text:
                assert tomllib.loads(f"key = {text}")["key"] == getattr(example[name], key)

    def test_every_section_is_known(self) -> None:
        assert set(PARTS) | {"cluster"} == set(SECTIONS)


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
