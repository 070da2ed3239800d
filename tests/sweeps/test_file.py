"""What a sweep file means, and the example that is printed."""

from __future__ import annotations

import inspect
import json
import re
import tomllib
from itertools import pairwise
from pathlib import Path
from statistics import median

import numpy as np
import pytest

from stepscape.cli import main
from stepscape.lab.pool import run_all
from stepscape.problems.curves import bernoulli
from stepscape.sweeps.cluster_options import KEYS
from stepscape.sweeps.file import read_sweep
from stepscape.sweeps.runs import Ball, Bernoulli, Curve, Measure, Method, Network, Run, build
from stepscape.sweeps.sections import PARTS, SECTIONS, keys_of
from sweep_files import EXAMPLE, SEVERAL, SMALL, changed, read


def _keys(text: str) -> dict[tuple[str, str], str]:
    """Keys of an example by section; the value of those that it shows with their default."""
    section, shown = "", dict[tuple[str, str], str]()
    for line in text.splitlines():
        if header := re.match(r"#? ?\[+(\w+)\]+", line):
            section = header[1]
        elif pair := re.match(r"(#?) ?([a-z_0-9]+) = (.*?)(  .*)?$", line):
            shown[section, pair[2]] = pair[3] if pair[1] and not line.startswith("# ") else ""
    return shown


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
        network = { width = 6, scale = 2, init = "mean_field", biases = "output" }
        [method]
        step_size = 1
        steps = 3
        momentum = 0.5
        nesterov = true
        weight_decay = 1e-3
        warmup_steps = 2
        clip = 3
        decay_biases = false
        [measure]
        records = 9
        sharpness = false
        held_out = true
        curve_points = 11
        trajectory = true
        rates = true
        trace = true
        """
        [run] = read(text).specs
        assert run == Run(
            problem=Curve(truth="wave", n=4, noise=1.0, half_width=2.0, design="uniform", loss="square"),
            network=Network(width=6, scale=2.0, init="mean_field", biases="output"),
            method=Method(
                step_size=1.0,
                steps=3,
                momentum=0.5,
                nesterov=True,
                weight_decay=1e-3,
                warmup_steps=2,
                clip=3.0,
                decay_biases=False,
            ),
            measure=Measure(
                records=9,
                sharpness=False,
                held_out=True,
                curve_points=11,
                trajectory=True,
                rates=True,
                trace=True,
            ),
            seed=7,
        )
        given = {"problem": 6, "network": 5, "method": 18, "measure": 7}
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


class TestExample:
    @pytest.mark.parametrize(("words", "text"), [([], EXAMPLE), (["--several-inputs"], SEVERAL)])
    def test_is_printed(self, capsys: pytest.CaptureFixture[str], words: list[str], text: str) -> None:
        assert main(["example-sweep", *words]) == 0
        assert capsys.readouterr().out == text
        assert main(["example-sweep", *words, "--json"]) == 0
        document = json.loads(capsys.readouterr().out)
        assert document == {"schema": 1, "command": "example-sweep", "file": text}

    def test_shows_what_its_title_says(self, tmp_path: Path) -> None:
        sweep = read(EXAMPLE)
        assert (len(sweep.specs), sweep.repeated) == (24, 0)
        records = run_all(sweep.work_in(tmp_path), sweep.specs, 2, lambda _: None)
        assert {record.outcome for record in records} == {"finished"}
        pieces: dict[tuple[float, float], list[float]] = {}
        for spec, record in zip(sweep.specs, records, strict=True):
            pieces.setdefault((spec.method.momentum, spec.method.step_size), []).append(
                record.numbers["pieces"]
            )
        for momentum in (0.0, 0.5):
            medians = [median(counts) for (beta, _), counts in sorted(pieces.items()) if beta == momentum]
            assert all(after <= before + 1 for before, after in pairwise(medians))  # one piece is rounding's
            assert medians[0] > 1.3 * medians[-1]

    def test_both_together_show_every_key_with_its_default(self) -> None:
        shown = {**_keys(SEVERAL), **_keys(EXAMPLE)}
        known = {(name, key) for name, parts in PARTS.items() for part in parts for key in keys_of(part)}
        known |= {("problem", "kind")}
        known |= {("cluster", key) for key in KEYS} - {
            ("cluster", key)
            for key in ("processes", "interface", "local_directory", "log_directory", "python")
        }
        assert set(shown) - {("", "title"), ("", "seeds")} == known
        for text, problem in ((EXAMPLE, Curve(truth="")), (SEVERAL, Ball())):
            example = {"problem": problem, "network": Network(width=1), "measure": Measure()}
            example["method"] = Method(step_size=1.0, steps=1)
            for (name, key), value in _keys(text).items():
                if value:
                    assert tomllib.loads(f"key = {value}")["key"] == getattr(example[name], key)

    def test_every_section_is_known(self) -> None:
        assert set(PARTS) | {"cluster"} == set(SECTIONS)
