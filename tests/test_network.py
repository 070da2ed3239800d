"""TwoLayerReLU: the function, its knots, its files, and every way to get it wrong."""

from __future__ import annotations

import os

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

import oracles as ref
import stepscape as ss
from budget import examples
from cases import network
from stepscape.errors import OutputError

FLOATS = st.floats(-1e6, 1e6, allow_subnormal=False)


@given(
    st.lists(st.tuples(FLOATS, FLOATS, FLOATS), min_size=1, max_size=8), FLOATS, st.lists(FLOATS, max_size=9)
)
def test_predictions_are_the_definition(neurons, b2, points):
    w1, b1, w2 = np.array(neurons).T
    net, x = ss.TwoLayerReLU(w1, b1, w2, b2), np.array(points)
    expected = [sum(a * max(w * t + b, 0.0) for w, b, a in neurons) + b2 for t in points]
    size = np.abs(w2) @ (np.abs(w1)[:, None] * np.abs(x) + np.abs(b1)[:, None]) + abs(b2)
    assert np.all(np.abs(net.predict(x) - expected) <= 1e-14 * size)


def test_predictions_keep_the_shape_of_their_points():
    net = network(7)
    x = np.linspace(-1, 1, 12)
    flat = net.predict(x)
    np.testing.assert_array_equal(net.predict(x[:, None]), flat)  # scikit-learn's columns
    np.testing.assert_array_equal(net.predict(x.reshape(3, 4)), flat.reshape(3, 4))
    np.testing.assert_array_equal(net.predict(list(x)), flat)
    assert net.predict(0.3).shape == ()
    assert net.predict([]).shape == (0,)
    assert net.predict(np.arange(4)).dtype == np.float64


def test_long_predictions_are_made_in_chunks():
    # 4,000,000 activations a chunk: 10 points at a time for 400,000 neurons.
    net = ss.TwoLayerReLU.random(400_000, seed=1)
    x = np.linspace(-1, 1, 23)
    np.testing.assert_allclose(net.predict(x), [net.predict(t) for t in x], rtol=0, atol=1e-12)


@pytest.mark.parametrize(
    ("x", "got"),
    [
        (["a"], "an array of dtype <U1"),
        ([1j], "an array of dtype c"),
        ([None], "an array of dtype object"),
        ([[1], [1, 2]], "a ragged"),
    ],
)
def test_points_must_be_numbers(x, got):
    with pytest.raises(ss.InputError, match=f"x must hold real numbers, got {got}"):
        network(3).predict(x)


@given(seed=st.integers(0, 10**6), k=st.integers(1, 20), shared=st.booleans())
def test_jumps_are_the_changes_of_slope_at_the_knots(seed, k, shared):
    rng = np.random.default_rng(seed)
    w1, w2 = rng.standard_normal((2, k))
    b1 = rng.standard_normal(k)
    w1[rng.random(k) < 0.1] = 0.0
    w2[rng.random(k) < 0.1] = 0.0
    if shared:  # several neurons at one knot, of both signs of w1: exact in binary
        w1, b1 = np.where(rng.random(k) < 0.5, 2.0, -4.0), np.zeros(k)
    net = ss.TwoLayerReLU(w1, b1, w2, 0.3)
    live = (w1 != 0) & (w2 != 0)
    assert set(net.knots) == set(-b1[live] / w1[live])
    assert np.all(np.diff(net.knots) > 0)
    assert net.knots.shape == net.jumps.shape
    edges = np.concatenate([[-1e4], net.knots, [1e4]])
    middle = (edges[1:] + edges[:-1]) / 2
    z = middle[:, None] * w1 + b1 > 0
    slopes = z @ (w1 * w2)
    np.testing.assert_allclose(np.diff(slopes), net.jumps, rtol=0, atol=1e-12)
    # And by finite differences where pieces are wide enough.
    wide = np.flatnonzero(np.diff(edges) > 1e-2)
    step = 1e-4
    measured = (net.predict(middle[wide] + step) - net.predict(middle[wide] - step)) / (2 * step)
    np.testing.assert_allclose(
        measured, slopes[wide], rtol=0, atol=1e-7 * (1 + np.abs(middle[wide]).max(initial=0))
    )


def test_knots_that_are_none():
    net = ss.TwoLayerReLU([0.0, 1.0, 1e-300, 0.0], [1.0, 1.0, 1e300, 0.0], [1.0, 0.0, 1.0, 1.0])
    assert net.knots.size == net.jumps.size == 0


def test_parameters_round_trip_and_belong_to_nobody():
    net = network(5, trainable=("w2", "b2"))
    theta = net.parameters
    np.testing.assert_array_equal(theta, np.concatenate([net.w1, net.b1, net.w2, [net.b2]]))
    again = net.with_parameters(theta)
    assert again.trainable == net.trainable
    np.testing.assert_array_equal(again.parameters, theta)
    theta[:] = 0.0
    net.knots[:] = 0.0
    net.jumps[:] = 0.0
    assert np.all(net.parameters == again.parameters)
    assert np.all(net.knots == again.knots)
    with pytest.raises(ValueError, match="read-only"):
        net.w1[0] = 1.0
    with pytest.raises(AttributeError, match="cannot assign"):
        net.b2 = 1.0
    np.testing.assert_array_equal(net.trained, ref.mask(5, ("w2", "b2")))


def test_given_arrays_are_copied():
    w = np.ones(3)
    net = ss.TwoLayerReLU(w, w, w)
    w[:] = 7.0
    assert net.parameters.tolist() == [1.0] * 9 + [0.0]


def test_trained_blocks_are_ordered_and_distinct():
    one = np.ones(1)
    assert ss.TwoLayerReLU(one, one, one, trainable=("b2", "w1", "b2")).trainable == ("w1", "b2")
    assert ss.TwoLayerReLU(one, one, one, trainable="b1").trainable == ("b1",)
    assert ss.TwoLayerReLU(one, one, one, trainable=["w2"]).trained.tolist() == [False, False, True, False]


def test_random_torch_is_uniform_over_the_square_root_of_the_fan_in():
    k, scale = 40_000, 0.3
    net = ss.TwoLayerReLU.random(k, scale=scale, seed=5)
    for block, bound in ((net.w1, scale), (net.b1, scale), (net.w2, scale / np.sqrt(k))):
        assert np.abs(block).max() <= bound
        assert np.abs(block).max() > 0.999 * bound
        # Mean 0 and variance bound²/3, within 5 standard errors.
        assert abs(block.mean()) < 5 * bound / np.sqrt(3 * k)
        assert np.mean(block**2) == pytest.approx(bound**2 / 3, rel=5 * np.sqrt(4 / 5 / k))
    assert 0 < abs(net.b2) <= scale / np.sqrt(k)
    assert abs(np.corrcoef([net.w1, net.b1, net.w2]) - np.eye(3)).max() < 5 / np.sqrt(k)


def test_random_mean_field_is_normal():
    k, scale = 40_000, 3.0
    net = ss.TwoLayerReLU.random(k, scale=scale, init="mean_field", seed=5)
    for block in (net.w1, net.b1, net.w2):
        unit = block * np.sqrt(k) / (2 * scale)
        assert abs(unit.mean()) < 5 / np.sqrt(k)
        assert np.mean(unit**2) == pytest.approx(1, abs=5 * np.sqrt(2 / k))
        assert np.mean(unit**4) == pytest.approx(3, abs=5 * np.sqrt(96 / k))
    assert net.b2 == 0.0


@pytest.mark.parametrize("seed", [-1, 1.5, None, "a", True])
def test_a_seed_must_be_a_whole_number(seed):
    for draw in (lambda: ss.TwoLayerReLU.random(3, seed=seed), lambda: ss.problems.tent(seed=seed)):
        with pytest.raises(ss.InputError, match=r"seed must be a whole number of at least 0, got"):
            draw()


def test_random_depends_on_the_seed_alone():
    first, second, other = (ss.TwoLayerReLU.random(9, seed=s) for s in (1, 1, 2))
    np.testing.assert_array_equal(first.parameters, second.parameters)
    assert not np.any(first.parameters == other.parameters)
    bare = ss.TwoLayerReLU.random(9, seed=1, trainable=("w1", "w2"))
    assert not bare.b1.any()
    assert bare.b2 == 0.0
    np.testing.assert_array_equal(bare.w1, first.w1)


@pytest.mark.parametrize("width", [0, -3, 2.0, "7", None, True])
def test_width_must_be_a_whole_number(width):
    with pytest.raises(ss.InputError, match=r"width must be a whole number of at least 1, got"):
        ss.TwoLayerReLU.random(width)


@pytest.mark.parametrize("scale", [0.0, -1.0, np.nan, np.inf, "big", None, [1.0], 1j])
def test_scale_must_be_positive(scale):
    with pytest.raises(ss.InputError, match=r"scale must be finite and positive, got"):
        ss.TwoLayerReLU.random(3, scale=scale)


def test_init_must_be_known():
    with pytest.raises(ss.InputError, match=r"init must be one of 'torch', 'he', 'mean_field', got 'xavier'"):
        ss.TwoLayerReLU.random(3, init="xavier")


@pytest.mark.parametrize("name", ["w1", "b1", "w2"])
@pytest.mark.parametrize(
    ("value", "message"),
    [
        (["a", "b"], "hold real numbers, got an array of dtype <U1"),
        ([1j, 2], "hold real numbers, got an array of dtype complex128"),
        ([None, 1], "hold real numbers, got an array of dtype object"),
        ([[1.0], [1.0, 2.0]], "hold real numbers, got a ragged list"),
        ([True, False], "hold real numbers, got an array of dtype bool"),
        ([1.0, np.nan], "be finite, got nan in it"),
        ([-np.inf, np.nan], "be finite, got -inf in it"),
        (3.0, r"have shape \(k,\), got \(\)"),
    ],
)
def test_weights_must_be_finite_rows_of_numbers(name, value, message):
    good = dict.fromkeys(("w1", "b1", "w2"), np.ones(2))
    with pytest.raises(ss.InputError, match=f"{name} must {message}"):
        ss.TwoLayerReLU(**{**good, name: value})


def test_rows_of_weights_have_one_number_for_each_variable():
    ones = np.ones(2)
    for name in ("b1", "w2"):
        with pytest.raises(ss.InputError, match=rf"{name} must have shape \(k,\), got \(2, 2\)"):
            ss.TwoLayerReLU(**{**dict.fromkeys(("w1", "b1", "w2"), ones), name: np.ones((2, 2))})
    said = r"w1, b1 and w2 must have the shapes \(k, d\), \(k,\), \(k,\), got \(1, 2\), \(2,\), \(2,\)"
    with pytest.raises(ss.InputError, match=said):
        ss.TwoLayerReLU([[1.0, 2.0]], ones, ones)
    with pytest.raises(ss.InputError, match=r"w1 must have shape \(k,\) or \(k, d\), got \(2, 0\)"):
        ss.TwoLayerReLU(np.ones((2, 0)), ones, ones)
    with pytest.raises(ss.InputError, match=r"w1 must be finite, got nan in it"):
        ss.TwoLayerReLU([[1.0, np.nan], [0.0, 0.0]], ones, ones)
    with pytest.raises(ss.InputError, match=r"w1 must have shape \(k,\), got \(2, 2, 2\)"):
        ss.TwoLayerReLU(np.ones((2, 2, 2)), ones, ones)


def test_lengths_must_agree_and_not_vanish():
    with pytest.raises(
        ss.InputError, match=r"w1, b1 and w2 must have the same shape \(k,\), got \(2,\), \(2,\), \(3,\)"
    ):
        ss.TwoLayerReLU(np.ones(2), np.ones(2), np.ones(3))
    with pytest.raises(ss.InputError, match=r"width must be at least 1, got 0"):
        ss.TwoLayerReLU([0.0][:0], np.ones(0), np.ones(0))


@pytest.mark.parametrize("b2", [np.nan, np.inf, "1", None, 1j, [1.0], True])
def test_b2_must_be_a_finite_number(b2):
    with pytest.raises(ss.InputError, match=r"b2 must be a finite number, got"):
        ss.TwoLayerReLU([1.0], [1.0], [1.0], b2)


@pytest.mark.parametrize(
    ("trainable", "message"),
    [
        (("w1", "w3"), r"name blocks among w1, b1, w2, b2, got 'w3'"),
        ("bias", r"name blocks among w1, b1, w2, b2, got 'bias'"),
        ((1,), r"name blocks among w1, b1, w2, b2, got 1"),
        (None, r"name blocks among w1, b1, w2, b2, got None"),
        ((), r"name at least one block among w1, b1, w2, b2, got none"),
    ],
)
def test_trainable_must_name_blocks(trainable, message):
    with pytest.raises(ss.InputError, match=f"trainable must {message}"):
        ss.TwoLayerReLU([1.0], [1.0], [1.0], trainable=trainable)
    with pytest.raises(ss.InputError, match=f"trainable must {message}"):
        ss.TwoLayerReLU.random(2, trainable=trainable)


def test_parameters_must_fit():
    net = network(2)
    with pytest.raises(ss.InputError, match=r"parameters must have shape \(7,\), got \(6,\)"):
        net.with_parameters(np.ones(6))
    with pytest.raises(
        ss.InputError, match=r"parameters must hold real numbers, got an array of dtype complex128"
    ):
        net.with_parameters(1j * np.ones(7))
    with pytest.raises(ss.InputError, match=r"w1 must be finite, got nan in it"):
        net.with_parameters(np.full(7, np.nan))


def test_repr():
    net = ss.TwoLayerReLU([1.0, 1.0], [0.0, 0.0], [1.0, 2.0], 0.25, trainable=("w1", "w2"))
    assert repr(net) == "TwoLayerReLU(width=2, 1 knots, b2=0.25, frozen: b1, b2)"
    assert repr(ss.TwoLayerReLU([1.0], [0.0], [1.0])) == "TwoLayerReLU(width=1, 1 knots, b2=0)"


@examples(1 / 2)
@given(seed=st.integers(0, 10**6), blocks=st.sampled_from(ref.SUBSETS))
def test_files_keep_every_bit(tmp_path_factory, seed, blocks):
    path = tmp_path_factory.mktemp("net") / "any name"
    net = network(1 + seed % 9, seed=seed, trainable=blocks)
    net.save(path)
    again = ss.TwoLayerReLU.load(str(path))
    assert again.parameters.tobytes() == net.parameters.tobytes()
    assert again.trainable == net.trainable
    assert os.listdir(path.parent) == ["any name"]


def test_saving_replaces_and_leaves_nothing_half_done(tmp_path):
    path = tmp_path / "net.npz"
    network(3).save(path)
    network(4).save(path)
    assert ss.TwoLayerReLU.load(path).width == 4
    assert os.listdir(tmp_path) == ["net.npz"]


def test_unwritable_places_are_named(tmp_path):
    (tmp_path / "file").write_text("x")
    for place, why in (
        (tmp_path / "none" / "net.npz", "no such file or directory"),
        (tmp_path / "file" / "net.npz", "not a directory"),
        (tmp_path, "is a directory|directory not empty|file exists"),
    ):
        with pytest.raises(OutputError, match=f"cannot write .*: ({why})"):
            network(3).save(place)
    assert sorted(os.listdir(tmp_path)) == ["file"]


def test_unreadable_files_are_named(tmp_path):
    good, path = tmp_path / "good.npz", tmp_path / "net.npz"
    network(3).save(good)
    whole = good.read_bytes()
    with pytest.raises(ss.InputError, match=r"cannot read .*net\.npz': there is no such file"):
        ss.TwoLayerReLU.load(path)
    with pytest.raises(ss.InputError, match=r"cannot read .*: is a directory"):
        ss.TwoLayerReLU.load(tmp_path)
    np.save(tmp_path / "array.npy", np.ones(3))
    flipped = bytearray(whole)
    flipped[len(whole) // 3] ^= 0xFF
    damaged = {
        "empty": b"",
        "text": b"x,y\n1,2\n",
        "an array": (tmp_path / "array.npy").read_bytes(),
        "half": whole[: len(whole) // 2],
        "no end": whole[:-10],
        "a pickle": b"\x80\x04\x95\x0b\x00\x00\x00\x00\x00\x00\x00\x8c\x07network\x94.",
        "one byte": bytes(flipped),
    }
    for content in damaged.values():
        path.write_bytes(content)
        with pytest.raises(ss.InputError, match=r"net\.npz' is (not a network saved by stepscape|damaged: )"):
            ss.TwoLayerReLU.load(path)


@pytest.mark.parametrize(
    "change",
    [
        {"format": np.array("stepscape.TwoLayerReLU/9")},
        {"format": None},
        {"w1": None},
        {"w1": np.ones(7)},
        {"b1": np.array([1.0, np.nan, 0.0])},
        {"b2": np.ones(2)},
        {"w2": np.array(["a", "b", "c"])},
        {"trainable": np.array(["w9"])},
        {"trainable": np.array(3)},
    ],
)
def test_archives_of_something_else_are_refused(tmp_path, change):
    path = tmp_path / "net.npz"
    fields = {
        "format": np.array("stepscape.TwoLayerReLU/1"),
        **dict.fromkeys(("w1", "b1", "w2"), np.ones(3)),
        "b2": np.array(0.0),
        "trainable": np.array(["w1"]),
    }
    np.savez(path, **fields)
    assert ss.TwoLayerReLU.load(path).width == 3
    np.savez(path, **{name: value for name, value in {**fields, **change}.items() if value is not None})
    with pytest.raises(ss.InputError, match=r"net\.npz' is not a network saved by stepscape"):
        ss.TwoLayerReLU.load(path)


def test_pickled_objects_in_archives_are_not_run(tmp_path):
    class Trap:
        def __reduce__(self):
            return os.mkdir, (str(tmp_path / "sprung"),)

    path = tmp_path / "net.npz"
    np.savez(path, format=np.array([Trap()], dtype=object))
    with pytest.raises(ss.InputError, match=r"net\.npz' is not a network saved by stepscape"):
        ss.TwoLayerReLU.load(path)
    assert not (tmp_path / "sprung").exists()


def test_a_width_beyond_the_memory_is_refused_before_it_is_drawn():
    said = "width must fit in memory, got 1000000000000, which needs 64 TB where .* are free; give a smaller"
    with pytest.raises(ss.InputError, match=said):
        ss.TwoLayerReLU.random(width=10**12)
