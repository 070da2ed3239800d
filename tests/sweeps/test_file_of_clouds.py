"""Sweep files with inputs in R^d: laws, and tables of several columns."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

import stepscape as ss
from stepscape.errors import InputError
from stepscape.lab import data as tables
from stepscape.lab.spec import columns
from stepscape.sweeps.runs import Ball, Mixup, Network, Radial, Sphere, Subspaces, Table, build, work
from sweep_files import SEVERAL, changed, read, refuse

PROBLEM = 'truth = "tent"'


def of(keys: str) -> str:
    return changed(PROBLEM, keys)


@pytest.mark.parametrize(
    ("keys", "part"),
    [
        ('kind = "ball"', Ball()),
        (
            'kind = "sphere"\nn = 9\ndimension = 3\nradius = 2\nscale = 3\nnoise = 0\ntruth = "norm"',
            Sphere(n=9, dimension=3, radius=2.0, scale=3.0, noise=0.0, truth="norm"),
        ),
        ('kind = "radial"\nalpha = 5', Radial(alpha=5.0)),
        ('kind = "subspaces"\ncount = 3\ninner = 2', Subspaces(count=3, inner=2)),
        (
            'kind = "mixup"\nlaw = "radial"\nlaw_alpha = 2\nalpha = 0.5\ncopies = 2\nfresh = true',
            Mixup(law="radial", law_alpha=2.0, alpha=0.5, copies=2, fresh=True),
        ),
        (
            'kind = "ball"\nloss = "logistic"\namplitude = 3\nflip_rate = 0.1',
            Ball(loss="logistic", amplitude=3.0, flip_rate=0.1),
        ),
    ],
)
def test_every_key_reaches_its_field(keys: str, part: object) -> None:
    assert [run.problem for run in read(of(keys)).specs] == [part] * 2


def test_all_combinations_of_lists() -> None:
    text = of('kind = "ball"\ndimension = [1, 2, 5]\nn = { linspace = [10, 30, 3] }\nloss = "logistic"')
    runs = read(text).specs
    assert len(runs) == 2 * 9
    assert {(run.problem.dimension, run.problem.n) for run in runs} == {
        (d, n) for d in (1, 2, 5) for n in (10, 20, 30)
    }


def test_keys_of_the_network() -> None:
    keys = 'width = 5\ninit = "he"\nbiases = ["output", "none"]\nstart_sharpness = 2'
    text = of('kind = "ball"').replace("width = 5", keys)
    found = [run.network for run in read(text).specs[:2]]
    assert found == [
        Network(width=5, init="he", biases=which, start_sharpness=2.0) for which in ("output", "none")
    ]


@pytest.mark.parametrize(
    ("keys", "sentence"),
    [
        ('kind = "bal"', "4: unknown kind of problem 'bal'; did you mean 'ball'? …"),
        ("dimension = 3", '4: \'dimension\' does not go with kind = "curve"; it needs kind = "ball", …'),
        ('kind = "ball"\nhalf_width = 2', "5: 'half_width' does not go with kind = \"ball\"; it needs …"),
        (
            'kind = "ball"\nalpha = 2',
            '5: \'alpha\' does not go with kind = "ball"; it needs kind = "radial" or "mixup"',
        ),
        ('kind = "ball"\nx = "a"', "5: 'x' describes a table and needs 'data', its file"),
        ('kind = "ball"\ndimension = [3, 0]', "5: dimension must lie between 1 and 10000000, got 0"),
        ('kind = "ball"\ndimension = 2.5', "5: dimension must be a whole number, got 2.5"),
        ('kind = "ball"\nradius = -1', "5: radius must be finite and positive, got -1.0"),
        ('kind = "ball"\nscale = nan', "5: scale must be finite and not negative, got nan"),
        ('kind = "ball"\nnoise = -1', "5: noise must be finite and not negative, got -1.0"),
        ('kind = "ball"\ntruth = "nrm"', "5: unknown truth 'nrm'; did you mean 'norm'? …"),
        ('kind = "ball"\nloss = "hinge"', "5: unknown loss 'hinge'; known: square, logistic"),
        ('kind = "ball"\nflip_rate = 0.5', "5: flip_rate must lie in [0, 0.5), got 0.5"),
        ('kind = "ball"\namplitude = 2', '5: amplitude must be left out with loss = "square", got 2.0'),
        (
            'kind = "ball"\nloss = ["square", "logistic"]\nnoise = 1',
            '6: noise must be left out with loss = "logistic", got 1.0',
        ),
        ('kind = "radial"\nalpha = 0', "5: alpha must be finite and positive, got 0.0"),
        ('kind = "subspaces"\ncount = 0', "5: count must lie between 1 and 10000000, got 0"),
        (
            'kind = "subspaces"\ndimension = 2\ninner = [1, 3]',
            "6: inner must be at most dimension = 2, got 3",
        ),
        ('kind = "mixup"\nlaw = "box"', "5: unknown law 'box'; …"),
        ('kind = "mixup"\ninner = 1', '5: inner must be left out with law = "ball", got 1'),
        ('kind = "mixup"\ncopies = 0', "5: copies must lie between 1 and 10000000, got 0"),
        ('kind = "mixup"\nfresh = 1', "5: fresh must be true or false, got 1"),
        ('kind = "mixup"\nalpha = -1', "5: alpha must be finite and positive, got -1.0"),
    ],
)
def test_refused_at_the_line_of_the_key(keys: str, sentence: str) -> None:
    refuse(of(keys), sentence)


@pytest.mark.parametrize(
    ("network", "sentence"),
    [
        ('biases = "no"', "7: unknown biases 'no'; …"),
        ("start_sharpness = 0", "7: start_sharpness must be finite and positive, got 0.0"),
        ("start_sharpness = 1", "7: start_sharpness must be above 1, that of the output bias alone …"),
        (
            "start_sharpness = 2\nscale = 0.5",
            "8: scale must be left out with start_sharpness, which chooses it, got 0.5",
        ),
    ],
)
def test_refused_networks(network: str, sentence: str) -> None:
    refuse(of('kind = "ball"').replace("width = 5", f"width = 5\n{network}"), sentence)


def test_what_only_a_line_has_is_refused_at_its_line() -> None:
    refuse(
        of('kind = "ball"') + "[measure]\ncurve_points = 5\n",
        "11: curve_points must be 0 with several input variables, got 5; rates = true keeps where …",
    )
    assert len(read(of('kind = "ball"\ndimension = 1') + "[measure]\ncurve_points = 5\n").specs) == 2


@pytest.mark.parametrize(
    ("keys", "width", "named"),
    [
        ('kind = "ball"\nn = 10_000_000', "5", "n"),
        ('kind = "ball"\nn = 1000\ndimension = 1_000_000', "5", "n"),
        ('kind = "mixup"\nn = 10\ncopies = 5_000_000', "5", "n"),
        ('kind = "ball"', "[5, 1_000_000]", "width"),
    ],
)
def test_a_run_that_does_not_fit_in_memory(
    monkeypatch: pytest.MonkeyPatch, keys: str, width: str, named: str
) -> None:
    monkeypatch.setattr("stepscape.memory.free_memory", lambda: 2e8)
    text = of(keys).replace("width = 5", f"width = {width}")
    with pytest.raises(InputError, match=rf"^sweep.toml, line \d+: {named} must fit in memory, got "):
        read(text)


def test_the_example_shows_what_its_title_says(tmp_path: Path) -> None:
    """On fewer runs and steps: larger steps leave neurons that hold fewer examples, decay cures it."""
    small = SEVERAL.replace("seeds = 3", "seeds = 1").replace("steps = 3000", "steps = 300")
    sweep = read(small.replace("[0.05, 0.2, 0.5, 0.9]", "[0.2, 0.9]"))
    carry_out = sweep.work_in(tmp_path)
    rates = {
        (run.method.weight_decay, run.method.step_size): carry_out(run, lambda _: None).numbers["path_rate"]
        for run in sweep.specs
    }
    assert len(rates) == 4
    assert rates[0.0, 0.9] < 0.6 * rates[0.0, 0.2]
    assert rates[0.03, 0.9] > 1.5 * rates[0.0, 0.9]


class TestTables:
    """Several columns of a table, named as `stepscape fit` names them."""

    @pytest.fixture
    def folder(self, tmp_path: Path) -> Path:
        rng = np.random.default_rng(0)
        rows = rng.normal(size=(30, 3)).round(3)
        lines = [f'{a},{b},"{c}",{a + b:.4f},{"sick" if a > b else "well"}' for a, b, c in rows.tolist()]
        (tmp_path / "trial.csv").write_text(
            'age,dose,"weight, kg",gain,state\n' + "\n".join(lines) + "\n,1,2,3,sick\n"
        )
        return tmp_path

    TABLE = 'data = "trial.csv"\nx = "age,dose"\ny = "gain"'

    def test_its_columns_are_the_inputs(self, folder: Path) -> None:
        sweep = read(of(self.TABLE), folder)
        table = sweep.specs[0].problem
        assert isinstance(table, Table)
        assert (table.x, table.dimension, table.n) == ("age,dose", 2, 30)
        [(digest, found)] = sweep.data.items()
        assert (digest, found.features) == (table.data, ("age", "dose"))
        assert columns(sweep.specs[0])["dimension"] == 2
        tables.save(folder / "data", found.x, found.y)
        problem, network, _ = build(sweep.specs[0], folder / "data")
        assert (problem.points.shape, network.dimension) == ((30, 2), 2)
        model = ss.StepSizeRegressor(0.01, steps=20, width=3).fit(found.x, found.y)
        np.testing.assert_array_equal(problem.inputs, model.problem_.inputs)
        np.testing.assert_array_equal(problem.labels, model.problem_.labels)

    def test_as_it_stands_and_with_two_classes(self, folder: Path) -> None:
        raw = read(of(self.TABLE + "\nstandardize = false"), folder)
        carried = raw.work_in(folder / "data")
        problem = build(raw.specs[0], folder / "data")[0]
        np.testing.assert_array_equal(problem.points, next(iter(raw.data.values())).x)
        assert carried(raw.specs[0], lambda _: None).outcome == "finished"
        text = self.TABLE.replace("gain", "state") + '\nloss = "logistic"'
        classes = read(of(text), folder)
        assert classes.notes == ("state: 'sick' is 1, 'well' is 0",)
        record = classes.work_in(folder / "data")(classes.specs[0], lambda _: None)
        assert record.outcome == "finished"
        assert record.numbers["training_error"] > 0.0

    def test_names_with_commas_and_columns_one_by_one(self, folder: Path) -> None:
        quoted = read(of(self.TABLE.replace('"age,dose"', "'age,\"weight, kg\"'")), folder)
        assert next(iter(quoted.data.values())).features == ("age", "weight, kg")
        single = read(of(self.TABLE.replace('"age,dose"', '["age", "weight, kg", "age,dose"]')), folder)
        assert [run.problem.x for run in single.specs[:3]] == ["age", "weight, kg", "age,dose"]
        assert "dimension" not in columns(single.specs[0])

    def test_a_changed_number_makes_other_runs(self, folder: Path) -> None:
        before = read(of(self.TABLE), folder).specs
        assert read(of(self.TABLE), folder).specs == before
        text = (folder / "trial.csv").read_text()
        (folder / "trial.csv").write_text(text.replace("\n0.", "\n1.", 1).replace("\n-0.", "\n-1.", 1))
        assert read(of(self.TABLE), folder).specs != before

    def test_more_columns_than_rows(self, folder: Path) -> None:
        names = [f"c{i}" for i in range(15)]
        rows = np.random.default_rng(1).normal(size=(12, 16)).round(3).tolist()
        text = "\n".join(",".join(map(str, row)) for row in [[*names, "y"], *rows])
        (folder / "wide.csv").write_text(text + "\n")
        sweep = read(of(f'data = "wide.csv"\nx = "{",".join(names)}"\ny = "y"'), folder)
        assert sweep.specs[0].problem.dimension == 15
        record = sweep.work_in(folder / "data")(sweep.specs[0], lambda _: None)
        assert record.outcome == "finished"

    @pytest.mark.parametrize(
        ("keys", "sentence"),
        [
            (TABLE.replace("dose", "dos"), "5: unknown column 'dos'; did you mean 'dose'? …"),
            (TABLE.replace("dose", "age"), "5: x must name different columns, got 'age' twice"),
            (TABLE.replace('"gain"', '"dose"'), "6: x must not name the column of labels, got 'dose' …"),
            (TABLE.replace("dose", ""), "5: x must name a column before and after each comma, got 'age,'"),
            (TABLE.replace("dose", "state"), "4: column 'state' must hold numbers, got text such as …"),
            (
                TABLE + "\n[measure]\nheld_out = true",
                "8: held_out must be false for a table that trains on all its rows, got true; set …",
            ),
            (
                TABLE + "\n[measure]\ncurve_points = 3",
                "8: curve_points must be 0 with several input variables, got 3; …",
            ),
        ],
    )
    def test_refused(self, folder: Path, keys: str, sentence: str) -> None:
        refuse(of(keys), sentence, folder)


def test_numbers_of_tables_are_told_apart_by_their_shape() -> None:
    x, y = np.arange(12.0), np.arange(4.0)
    names = {
        tables.digest(x.reshape(4, 3), y),
        tables.digest(np.ascontiguousarray(x.reshape(3, 4).T), y),
        tables.digest(x, y),
        tables.digest(x.reshape(6, 2), y),
    }
    assert len(names) == 4
    assert tables.digest(np.asfortranarray(x.reshape(4, 3)), y) in names


def test_a_truth_of_ones_own(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.chdir(tmp_path)
    Path("hills_of_a_test.py").write_text("def hills(x):\n    return abs(x[:, 0] * x[:, 1])\n")
    [run, _] = read(of('kind = "ball"\nn = 20\nnoise = 0\ntruth = "hills_of_a_test:hills"')).specs
    problem = build(run)[0]
    np.testing.assert_array_equal(problem.labels, np.abs(problem.points[:, 0] * problem.points[:, 1]))
    assert work(run, lambda _: None).outcome == "finished"
