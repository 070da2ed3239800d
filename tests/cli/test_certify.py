"""The command certify: what it writes, what its script proves, and that a bent number is not proved."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

import stepscape as ss
from commands import listing, refused, said
from stepscape.cli import main
from stepscape.cli.recheck import claims
from stepscape.cli.recheck_script import recheck_script
from stepscape.measures import export

pytestmark = pytest.mark.usefixtures("here")

NAMES = {"square": ("sharpness", "published"), "logistic": ("weighted", "uncertain_best")}
CERTIFY = ["certify", "net.npz", "data.csv", "--x", "t", "--y", "speed"]


COLUMNS = {1: "t", 3: "t,x2,x3"}


def words(d=1):
    """Words of the command for d input variables."""
    return [*CERTIFY[:4], COLUMNS[d], *CERTIFY[5:]]


def saved(loss="square", n=12, width=8, d=1, **options):
    """Save a trained network and its table."""
    if d > 1:
        return saved_plane(loss, n, width, d, **options)
    problem = ss.problems.tent(n=n, noise=0.5, seed=3)
    labels = problem.labels if loss == "square" else (problem.labels > np.median(problem.labels)) * 1.0
    problem = ss.Problem(problem.inputs, labels, loss)
    start = ss.TwoLayerReLU.random(width, seed=3, **options)
    net = ss.train(problem, start, ss.GradientDescent(0.1, 300), record_every=300).midpoint
    net.save("net.npz")
    rows = zip(problem.inputs.tolist(), labels.tolist(), strict=True)
    Path("data.csv").write_text("t,speed\n" + "".join(f"{x!r},{y!r}\n" for x, y in rows))
    return problem, net


def saved_plane(loss, n, width, d, **options):
    problem = ss.problems.ball(n=n, dimension=d, noise=0.5, seed=3)
    labels = problem.labels if loss == "square" else (problem.labels > np.median(problem.labels)) * 1.0
    problem = ss.Problem(problem.inputs, labels, loss)
    start = ss.TwoLayerReLU.random(width, seed=3, dimension=d, **options)
    net = ss.train(problem, start, ss.GradientDescent(0.1, 60), record_every=60).midpoint
    net.save("net.npz")
    rows = np.column_stack([problem.points, labels]).tolist()
    lines = [",".join(map(repr, row)) for row in rows]
    Path("data.csv").write_text("\n".join([f"{COLUMNS[d]},speed", *lines]) + "\n")
    return problem, net


def rechecked(folder, *words):
    """Run the script of a directory with nothing but the standard library."""
    script = [sys.executable, "-I", "-S", str(Path(folder) / "recheck.py"), *words]
    return subprocess.run(script, capture_output=True, text=True, encoding="utf-8", check=False)


@pytest.mark.parametrize("d", [1, 3])
@pytest.mark.parametrize("loss", ["square", "logistic"])
def test_what_it_writes_is_proved_by_its_script(capsys, loss, d):
    problem, net = saved(loss, d=d)
    out = said(capsys, *words(d), "--out", "out").out
    assert listing(Path("out")) == ["certificate.json", "recheck.py", "result.json"]
    assert "Nothing is proved yet: run  python out/recheck.py" in out
    assert "12 of 12 rows used" in out
    result = json.loads(Path("out/result.json").read_text())
    pair = ss.sharpness(problem, net)
    assert result["hessian"]["lower"] == pytest.approx(pair.value, rel=1e-12)
    assert result["hessian"]["upper"] == pair.upper
    assert result["proofs"] == {}
    found = ss.certify(problem, net)
    assert {name: entry["verdict"] for name, entry in result["certificates"].items()} == {
        name: certificate.verdict for name, certificate in found.items()
    }
    proof = rechecked("out")
    assert proof.returncode == 0, proof.stdout + proof.stderr
    lines = proof.stdout.splitlines()
    assert lines[-1] == "everything is proved"
    assert [line.split()[0] for line in lines[:8]] == ["proved"] * 8
    assert all(any(line.split()[1].startswith(name) for line in lines) for name in NAMES[loss])
    again = said(capsys, *words(d), "--out", "out", "--force", "--recheck", "--json").out
    proofs = json.loads(again)["proofs"]
    assert set(proofs.values()) == {"proved"}
    assert [line.split(maxsplit=1)[1] for line in lines[:8]] == list(proofs)


def test_with_recheck_it_says_what_is_proved(capsys):
    saved()
    out = said(capsys, *CERTIFY, "--recheck").out
    assert "Rechecked in exact and interval arithmetic:\n  proved  λ_max(H) ≥ " in out
    assert Path("net-certified/recheck.py").read_text(encoding="utf-8") == recheck_script()
    assert "is not empty; name another or add --force" in refused(capsys, CERTIFY)


def bent(document, *path):
    """The document with one number a thousandth larger."""
    at = document = json.loads(json.dumps(document))
    for key in path[:-1]:
        at = at[key]
    number = float.fromhex(at[path[-1]])
    at[path[-1]] = (number * 1.001 if number else 1e-3).hex()
    return document


@pytest.mark.parametrize("d", [1, 3])
@pytest.mark.parametrize("loss", ["square", "logistic"])
def test_a_bent_number_is_not_proved(loss, d):
    problem, net = saved(loss, d=d)
    document = export.exported(problem, net)[0]
    place = max(range(12), key=lambda i: abs(float.fromhex(document["labels"][i])))
    neuron = int(np.argmax(np.abs(net.w1.reshape(net.width, -1)[:, -1] * net.w2)))
    last = (d - 1,) if d > 1 else ()  # one variable is a number, several are a row
    paths = [
        ("inputs", 2, *last), ("weights", 1), ("network", "w1", neuron, *last), ("network", "w2", neuron),
        ("network", "b2"),
        ("hessian", "lower"), ("gauss_newton", "lower"), ("certificates", NAMES[loss][0], "left"),
        ("certificates", NAMES[loss][0], "right"),
    ]  # fmt: skip
    if loss == "square":
        paths.append(("labels", place))
    assert claims_of(document) == [True] * 8
    for path in paths:
        assert False in claims_of(bent(document, *path)), path
    for matrix in ("hessian", "gauss_newton"):
        low = json.loads(json.dumps(document))
        low[matrix]["upper"] = (float.fromhex(low[matrix]["upper"]) * (1 - 1e-8)).hex()
        assert False in claims_of(low)
        turned = json.loads(json.dumps(document))
        turned[matrix]["vector"].reverse()
        assert False in claims_of(turned)
    flipped = json.loads(json.dumps(document))
    flipped["labels"][0] = (-float.fromhex(flipped["labels"][0])).hex()
    assert False in claims_of(flipped)


def claims_of(document):
    return [proved for _, proved in claims.checks(claims.network_of(document), document)]


def test_a_bent_file_makes_the_script_fail():
    saved()
    assert main([*CERTIFY, "--out", "out", "--json"]) == 0
    path = Path("out/certificate.json")
    whole = path.read_text()
    path.write_text(json.dumps(bent(json.loads(whole), "network", "b2")))
    proof = rechecked("out")
    assert proof.returncode == 1
    assert "NOT PROVED" in proof.stdout
    assert proof.stdout.splitlines()[-1].endswith("of 8 claims are not proved")
    path.write_text(whole[:200])
    proof = rechecked("out")
    assert proof.returncode == 2
    assert "is not a certificate of stepscape" in proof.stderr
    assert rechecked("out", "nowhere.json").returncode == 2


def test_what_is_refused(capsys):
    saved()
    assert "'no.npz'" in refused(capsys, ["certify", "no.npz", *CERTIFY[2:]])
    Path("bad.npz").write_bytes(b"nothing")
    assert "bad.npz" in refused(capsys, ["certify", "bad.npz", *CERTIFY[2:]])
    assert "unknown column 'z'" in refused(capsys, [*CERTIFY[:-1], "z"])
    ss.TwoLayerReLU.random(4, dimension=3).save("wide.npz")
    several = refused(capsys, ["certify", "wide.npz", *CERTIFY[2:]])
    assert "network must have as many input variables as x names columns (1), got 3" in several
    few = refused(capsys, ["certify", "net.npz", "data.csv", "--x", "t,speed", "--y", "speed"])
    assert "network must have as many input variables as x names columns (2), got 1" in few
    assert "loss" in refused(capsys, [*CERTIFY, "--loss", "cubic"])


def test_a_number_without_an_upper_bound_is_not_exported():
    pair = ss.Eigenpair(1.0, 0.0, np.zeros(4), 0)
    with pytest.raises(ss.InputError, match="must have eigenvalues with an upper bound to be exported"):
        export._sides(pair)


def test_several_inputs_are_exported_as_far_as_there_is_an_upper_bound():
    problem = ss.problems.ball(n=513, dimension=2)
    with pytest.raises(ss.InputError, match="a table of several inputs must have at most 512 rows to be exp"):
        export.exported(problem, ss.TwoLayerReLU.random(2, dimension=2))


def test_one_variable_and_columns_of_it_mean_the_same():
    problem, net = saved()
    document = export.exported(problem, net)[0]
    rows = json.loads(json.dumps(document))
    rows["inputs"] = [[t] for t in rows["inputs"]]
    rows["network"]["w1"] = [[t] for t in rows["network"]["w1"]]
    assert claims_of(rows) == claims_of(document)
