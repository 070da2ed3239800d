"""Measurements on disk: what is written is read again, and what cannot be used is refused in one sentence."""

from __future__ import annotations

import io
import os
import pickle
import stat
import zipfile

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

import stepscape as ss
from budget import examples
from low_rank_cases import KINDS, STRUCTURES, dense, linear_map
from stepscape.errors import InputError, OutputError

P = ss.problems
RNG = np.random.default_rng(0)
B = np.array([1.0, 2.0, 3.0])
A = RNG.standard_normal((3, 2, 4))
SYMMETRIC = A[:, :, :2] + A[:, :, :2].transpose(0, 2, 1)
ENTRIES = {"rows": [0, 1, 1], "cols": [3, 0, 2], "shape": [2, 4]}
CSR = {"data": [1.0, 2.0, 4.0], "indices": [1, 3, 7], "indptr": [0, 1, 2, 3], "shape": [2, 4]}


@pytest.fixture(autouse=True)
def _folder(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)


def save(**arrays):
    np.savez("m.npz", **arrays)
    return P.read_measurements("m.npz")


@pytest.mark.parametrize("structure", STRUCTURES)
@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("known", [False, True])
def test_what_is_written_is_read_again(kind, structure, known):
    squares = structure != "any"
    given = linear_map(kind, 3, 3 if squares else 4, 5, np.random.default_rng(1), squares)
    labels = np.random.default_rng(2).standard_normal(5)
    more = {"truth": np.eye(*given.shape), "noise": 0.25, "name": "café Ω"} if known else {}
    p = P.Measurements(given, labels, structure, **more)
    P.write_measurements("m.npz", p)
    q = P.read_measurements("m.npz")
    assert type(q.linear_map) is type(given)
    assert (q.structure, q.noise, q.name, repr(q)) == (p.structure, p.noise, p.name, repr(p))
    np.testing.assert_array_equal(dense(q.linear_map), dense(given))
    np.testing.assert_array_equal(q.labels, labels)
    assert (q.truth is None) == (not known)
    if known:
        np.testing.assert_array_equal(q.truth, p.truth)
    assert os.listdir() == ["m.npz"]


def test_a_file_of_plain_arrays_is_enough():
    np.testing.assert_array_equal(dense(save(b=B, A=A).linear_map), A)
    np.testing.assert_array_equal(dense(save(b=B, A=np.asfortranarray(A)).linear_map), A)
    left, right = A[:, 0, :3], A[:, 1, :2]
    given = save(b=B, left=left, right=right)
    np.testing.assert_allclose(dense(given.linear_map), np.einsum("ij,ik->ijk", left, right))
    np.testing.assert_array_equal(save(b=B, **ENTRIES).adjoint(B), [[0, 0, 0, 1.0], [2.0, 0, 3.0, 0]])
    scaled = save(b=B, **ENTRIES, scales=[1.0, 2.0, 0.5])
    np.testing.assert_array_equal(scaled.adjoint(B), [[0, 0, 0, 1.0], [4.0, 0, 1.5, 0]])
    np.testing.assert_array_equal(save(b=B, **CSR).adjoint(B), [[0, 1, 0, 4], [0, 0, 0, 12]])
    for b in (B.astype("f4"), B.astype(">f8"), B.astype(int), B.tolist()):
        np.testing.assert_array_equal(save(b=b, A=A).labels, B)
    np.savez_compressed("c.npz", b=B, A=A)
    np.testing.assert_array_equal(P.read_measurements("c.npz").labels, B)
    assert save(b=B, A=A).noise is None


def test_vectors_measure_a_symmetric_matrix_unless_told_otherwise():
    x = A[:, 0]
    assert save(b=B, vectors=x).structure == "symmetric"
    assert save(b=B, vectors=x, psd=True).structure == "psd"
    assert save(b=B, vectors=x, symmetric=False).structure == "any"
    assert save(b=B, A=SYMMETRIC).structure == "any"
    assert save(b=B, A=SYMMETRIC, symmetric=1).structure == "symmetric"
    assert save(b=B, A=SYMMETRIC, symmetric=True, psd=0).structure == "symmetric"
    assert save(b=B, A=SYMMETRIC, psd=np.array([True])).structure == "psd"


KIND = r"it must hold one kind of measurements \(A; left and right; rows, cols and shape; vectors; .*\), got"
WRONG = [
    ({}, "it must hold the labels b, got nothing"),
    ({"A": A}, "it must hold the labels b, got only A"),
    ({"b": B}, f"{KIND} only b"),
    ({"b": B, "shape": [2, 2]}, f"{KIND} only b, shape"),
    ({"b": B, "A": A, "vectors": A[:, 0]}, f"{KIND} A and vectors"),
    ({"b": B, "A": A, "rows": [0]}, f"{KIND} A and rows, cols and shape"),
    ({"b": B, "left": A[:, 0]}, "it must hold left and right, got no right"),
    ({"b": B, "rows": [0, 1, 1]}, "it must hold rows, cols and shape, got no cols and no shape"),
    ({"b": B, "A": A, "shape": [2, 4]}, "shape must not stand beside A, got both; leave it out"),
    ({"b": B, "A": A, "scales": B}, "scales must not stand beside A, got both; leave it out"),
    ({"b": B, "A": A, "simetric": True}, "it holds the unknown array 'simetric'; did you mean 'symmetric'?"),
    (
        {"b": B, "A": A, "ü\x1b[31m": 1},
        r"it holds the unknown array 'ü\\x1b\[31m'; known: b, scales, symmetric, psd",
    ),
    ({"b": [1.0, np.nan, 2.0], "A": A}, r"b must be finite, got nan at index \(1,\)"),
    ({"b": [], "A": A}, "b must hold at least one number"),
    ({"b": B[:2], "A": A}, r"b must have one number per measurement \(3\), got 2"),
    ({"b": B[:, None], "A": A}, r"b must have shape \(m,\), got \(3, 1\)"),
    ({"b": B + 1j, "A": A}, "b must hold real numbers, got an array of dtype complex128"),
    ({"b": ["1", "2", "3"], "A": A}, "b must hold real numbers, got an array of dtype <U1"),
    ({"b": B, "A": np.full((3, 2, 2), np.inf)}, r"A must be finite, got inf at index \(0, 0, 0\)"),
    ({"b": B, "A": A[0]}, r"A must have shape \(m, d1, d2\), got \(2, 4\)"),
    (
        {"b": B, "left": A[:, 0], "right": A[:2, 0]},
        "left and right must have one row per measurement, got 3 and 2",
    ),
    ({"b": B, "vectors": A}, r"vectors must have shape \(m, d\), got \(3, 2, 4\)"),
    ({"b": B, "vectors": A[:, 0] * np.nan}, r"vectors must be finite, got nan at index \(0, 0\)"),
    (
        {"b": B, "A": A, "psd": True},
        "every A_i must be symmetric for the structure 'psd', got another one; give",
    ),
    (
        {"b": B, "A": A[:, :, :2], "symmetric": True},
        "every A_i must be symmetric for the structure 'symmetric'",
    ),
    (
        {"b": B, "vectors": A[:, 0], "symmetric": False, "psd": True},
        "psd must be False where symmetric is False",
    ),
    ({"b": B, "A": A, "psd": 2}, "psd must be True or False, got 2"),
    ({"b": B, "A": A, "psd": "yes"}, "psd must be True or False, got an array of <U3 and shape"),
    (
        {"b": B, "A": A, "symmetric": [True, False]},
        r"symmetric must be True or False, got an array of bool and shape \(2,\)",
    ),
    ({"b": B, "A": A, "noise": -1.0}, "noise must be finite and not negative, got -1.0"),
    ({"b": B, "A": A, "noise": "a"}, "noise must be one number, got an array of <U1"),
    ({"b": B, "A": A, "name": 3}, "name must be one text, got an array of int64"),
    ({"b": B, "A": A, "truth": np.eye(2)}, r"truth must have shape \(2, 4\), got \(2, 2\)"),
    (
        {"b": B, **ENTRIES, "rows": [0, 1, 2]},
        "rows must hold whole numbers from 0 to 1, got .*; count from 0",
    ),
    (
        {"b": B, **ENTRIES, "shape": [2.0, 4.0]},
        "shape must be two whole numbers .* of at least 1, got float64",
    ),
    ({"b": B, **ENTRIES, "shape": [0, 4]}, r"shape must be two whole numbers .*, got int64 \[0, 4\]"),
    ({"b": B, **ENTRIES, "shape": [2, 4, 3]}, "shape must be two whole numbers"),
    (
        {"b": B, **ENTRIES, "shape": [2**40, 2**40]},
        r"shape must fit in memory, got .*; take a smaller matrix",
    ),
    (
        {"b": B, **CSR, "indices": [1, 3, 8]},
        "data, indices and indptr must be those of a sparse matrix in CSR format",
    ),
    (
        {"b": B, **CSR, "indices": [1.5, 3.0, 7.0]},
        "data, indices and indptr must be those of a sparse matrix",
    ),
    ({"b": B, **CSR, "indptr": [0, 9, 2, 3]}, "data, indices and indptr must be those of a sparse matrix"),
    ({"b": B, **CSR, "indptr": 3}, "data, indices and indptr must be those of a sparse matrix"),
    ({"b": B, **CSR, "data": [1.0, np.nan, 2.0]}, r"rows must be finite, got nan at index \(1,\)"),
]


@pytest.mark.parametrize(("arrays", "message"), WRONG)
def test_arrays_that_cannot_be_used_are_refused(arrays, message):
    with pytest.raises(InputError, match=f"^cannot use 'm.npz': {message}"):
        save(**arrays)


def refused(content, message):
    with open("m.npz", "wb") as file:
        file.write(content)
    with pytest.raises(InputError, match=message) as caught:
        P.read_measurements("m.npz")
    assert "\n" not in str(caught.value)


def archive(members):
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", zipfile.ZIP_DEFLATED) as file:
        for name, content in members:
            file.writestr(name, content)
    return buffer.getvalue()


def npy(array, **options):
    buffer = io.BytesIO()
    np.lib.format.write_array(buffer, np.asarray(array), **options)
    return buffer.getvalue()


def header(shape, dtype="<f8"):
    buffer = io.BytesIO()
    np.lib.format.write_array_header_1_0(buffer, {"descr": dtype, "fortran_order": False, "shape": shape})
    return buffer.getvalue()


class Trap:
    def __reduce__(self):
        return os.mkdir, ("sprung",)


def test_what_is_no_such_file_is_refused():
    refused(b"", r"'m.npz' is empty \(0 bytes\)")
    refused(b"x,y\n1,2\n", "'m.npz' is not an npz file, as numpy.savez writes it")
    refused(npy(B), "'m.npz' is not an npz file, as numpy.savez writes it")
    refused(pickle.dumps({"b": Trap()}), "'m.npz' is not an npz file, as numpy.savez writes it")
    refused(
        archive([("readme.txt", "a")]),
        "not a file of numpy.savez: it holds 'readme.txt', which is not an array",
    )
    with pytest.warns(UserWarning, match="Duplicate name"):
        twice = archive([("b.npy", npy(B)), ("b.npy", npy(B))])
    refused(twice, "'m.npz' is not a file of numpy.savez: it holds 'b.npy', twice")
    refused(archive([("b.npy", b"hello")]), "'m.npz' is not a readable npz file")
    refused(
        archive([("b.npy", header((3,)) + bytes(16))]),
        r"damaged: b has 16 bytes for an array of shape \(3,\), which",
    )
    refused(archive([("b.npy", header((-3,)))]), "'m.npz' is damaged")
    os.remove("m.npz")
    for path, message in (
        ("m.npz", "cannot read 'm.npz': there is no such file"),
        (".", "cannot read '.': is a directory"),
    ):
        with pytest.raises(InputError, match=message):
            P.read_measurements(path)
    with pytest.raises(InputError, match="path must be a path, got 3"):
        P.read_measurements(3)


def test_nothing_is_unpickled():
    objects = archive(
        [("b.npy", npy(B)), ("A.npy", npy(np.array([Trap()], dtype=object), allow_pickle=True))]
    )
    refused(objects, "A in 'm.npz' must be an array of numbers, got Python objects")
    refused(
        archive([("b.npy", npy(np.zeros(3, "f8,i4")))]),
        "b in 'm.npz' must be an array of numbers, got a structure",
    )
    refused(
        archive([("b.npy", npy(B, version=(2, 0)))]),
        "b in 'm.npz' must be an array of numbers, got a structure",
    )
    assert os.listdir() == ["m.npz"]


def test_an_archive_of_gigabytes_of_zeros_is_refused_before_they_are_taken(monkeypatch):
    refused(
        archive([("b.npy", header((10**15,)))]),
        "'m.npz' is damaged: b has 0 bytes for an array .* takes 8 PB",
    )
    bomb = archive([("b.npy", npy(B)), ("A.npy", npy(np.zeros((3, 10**3, 10**3))))])
    assert len(bomb) < 50_000
    monkeypatch.setattr("stepscape.memory.free_memory", lambda: 7e7)
    refused(
        bomb, "'m.npz' must fit in memory, got 2 arrays, which needs 102 MB where 70 MB are free; save fewer"
    )


@examples(1)
@given(cut=st.integers(0, 600), at=st.integers(0, 600), value=st.integers(0, 255), short=st.booleans())
def test_a_damaged_file_is_read_rightly_or_refused(tmp_path_factory, cut, at, value, short):
    path = tmp_path_factory.mktemp("damaged") / "m.npz"
    np.savez(path, b=B, **ENTRIES)
    data = bytearray(path.read_bytes())
    data = data[: -1 - cut] if short else data
    data[at % len(data)] = value
    path.write_bytes(bytes(data))
    found = outcome(path)
    if isinstance(found, str):
        assert "\n" not in found
        assert "m.npz" in found
    else:
        np.testing.assert_array_equal(found.labels, B)
        np.testing.assert_array_equal(found.linear_map.rows, ENTRIES["rows"])


def outcome(path):
    try:
        return P.read_measurements(path)
    except InputError as error:
        return str(error)


class Own:
    """A map of a user's own."""

    size, shape, symmetric = 1, (1, 1), True
    apply = apply_product = adjoint = gram = row_moment = column_moment = between = None


def test_what_cannot_be_written_is_refused():
    p = P.Measurements(P.Dense(A), B)
    with pytest.raises(InputError, match="measurements must be a Measurements, got a list"):
        P.write_measurements("m.npz", [1])
    with pytest.raises(InputError, match="path must be a path, got 3"):
        P.write_measurements(3, p)
    with pytest.raises(InputError, match=r"measurements must be Dense, Sparse, .* to be saved, got Own"):
        P.write_measurements("m.npz", P.Measurements(Own(), [1.0]))
    with pytest.raises(OutputError, match=r"cannot write 'no/m\.npz'"):
        P.write_measurements("no/m.npz", p)
    assert os.listdir() == []
    if os.name == "posix":
        P.write_measurements("m.npz", p)
        assert stat.S_ISREG(os.stat("m.npz").st_mode)
