"""Models and losses of every kind: the same Hessian as autograd's of the plain formula, in float64."""

from __future__ import annotations

import math
from functools import cache

import pytest
import torch
from torch.nn.utils import parametrizations
from torch.utils.checkpoint import checkpoint

from probed_models import dense, matrix, mse, pair
from stepscape.monitor import Probe, block_sharpness, sharpness

nn = torch.nn
EPS = 2.0**-52


class Attention(nn.Module):
    """One head; fused, or by the formula softmax(q kᵀ/√d) v."""

    def __init__(self, fused=True):
        super().__init__()
        self.fused, self.inner, self.outer = fused, nn.Linear(3, 9), nn.Linear(3, 2)

    def forward(self, x):
        q, k, v = self.inner(x[:, None, None, :].expand(-1, 1, 4, -1) * torch.arange(1, 5)[:, None]).chunk(
            3, -1
        )
        if self.fused:
            y = nn.functional.scaled_dot_product_attention(q, k, v)
        else:
            y = torch.softmax(q @ k.transpose(-1, -2) / math.sqrt(3), -1) @ v
        return self.outer(y.mean(dim=(1, 2)))


class Normalized(nn.Module):
    """Batch normalization: PyTorch's module, or by the formula with the statistics of the batch."""

    def __init__(self, plain=False):
        super().__init__()
        self.plain, self.inner, self.norm, self.outer = (
            plain,
            nn.Linear(3, 4),
            nn.BatchNorm1d(4),
            nn.Linear(4, 2),
        )

    def forward(self, x):
        y = self.inner(x)
        if self.plain:
            y = (y - y.mean(0)) / torch.sqrt(y.var(0, unbiased=False) + self.norm.eps)
            y = y * self.norm.weight + self.norm.bias
        else:
            y = self.norm(y)
        return self.outer(torch.tanh(y))


class WeightNormalized(nn.Module):
    """Rows of length g: PyTorch's parametrization, or v·g/‖v‖ with parameters of the same order."""

    def __init__(self, kind):
        super().__init__()
        self.kind, self.inner, self.middle, self.outer = (
            kind,
            nn.Linear(3, 4),
            nn.Linear(4, 4),
            nn.Linear(4, 2),
        )
        if kind is None:
            bias = nn.Parameter(self.middle.bias.detach())
            self.middle = nn.Module()
            self.middle.bias, v = bias, nn.Linear(4, 4).weight.detach()
            self.middle.g, self.middle.v = nn.Parameter(v.norm(dim=1, keepdim=True)), nn.Parameter(v)
        else:
            with torch.no_grad():
                self.middle.weight.copy_(nn.Linear(4, 4).weight)
            self.middle = kind(self.middle)

    def forward(self, x):
        y = self.inner(x)
        if self.kind is None:
            m = self.middle
            y = nn.functional.linear(y, m.v * (m.g / m.v.norm(dim=1, keepdim=True)), m.bias)
        else:
            y = self.middle(y)
        return self.outer(torch.tanh(y))


class Checkpointed(nn.Module):
    def __init__(self, reentrant=None):
        super().__init__()
        self.reentrant, self.inner, self.outer = reentrant, nn.Linear(3, 4), nn.Linear(4, 2)

    def forward(self, x):
        y = self.inner(x)
        if self.reentrant is None:
            return self.outer(torch.tanh(y))
        return self.outer(checkpoint(torch.tanh, y, use_reentrant=self.reentrant))


class DeepCheckpointed(Checkpointed):
    """The parameters are used inside what is recomputed."""

    def forward(self, x):
        def whole(x):
            return self.outer(torch.tanh(self.inner(x)))

        if self.reentrant is None:
            return whole(x)
        return checkpoint(whole, x.clone().requires_grad_(), use_reentrant=self.reentrant)


class Recurrent(nn.Module):
    def __init__(self, kind):
        super().__init__()
        self.cell, self.outer = kind(3, 3, batch_first=True), nn.Linear(3, 2)

    def forward(self, x):
        return self.outer(self.cell(x[:, None, :].expand(-1, 3, -1))[0][:, -1])


class Tied(nn.Module):
    """One matrix in two places, and a frozen shift."""

    def __init__(self):
        super().__init__()
        self.inner, self.outer, self.last = nn.Linear(3, 3), nn.Linear(3, 3), nn.Linear(3, 2)
        self.outer.weight = self.inner.weight
        self.last.bias.requires_grad_(False)

    def forward(self, x):
        return self.last(torch.tanh(self.outer(torch.tanh(self.inner(x)))))


class Adapted(nn.Module):
    """A frozen matrix with a trained term of low rank."""

    def __init__(self):
        super().__init__()
        self.base = nn.Linear(3, 2).requires_grad_(False)
        self.down, self.up = nn.Linear(3, 1, bias=False), nn.Linear(1, 2, bias=False)

    def forward(self, x):
        return self.base(x) + torch.tanh(self.up(self.down(x)))


def sequential(*middle):
    return nn.Sequential(nn.Linear(3, 4), *middle, nn.Linear(4, 2))


def layer(plain=False):
    one = nn.TransformerEncoderLayer(4, 2, 6, dropout=0.0 if plain else 0.5, batch_first=True)
    return nn.Sequential(nn.Linear(3, 4), nn.Unflatten(1, (1, 4)), one, nn.Flatten(), nn.Linear(4, 2))


# What is measured, and the same function in a form that autograd differentiates twice.
CASES = {
    "attention": (Attention, lambda: Attention(fused=False)),
    "batch normalization": (Normalized, lambda: Normalized(plain=True)),
    "synchronized batch normalization": (
        lambda: nn.SyncBatchNorm.convert_sync_batchnorm(Normalized()), lambda: Normalized(plain=True)
    ),
    "running statistics": (lambda: Normalized().eval(),) * 2,
    "checkpoint": (lambda: Checkpointed(False), Checkpointed),
    "reentrant checkpoint": (lambda: Checkpointed(True), Checkpointed),
    "deep checkpoint": (lambda: DeepCheckpointed(False), Checkpointed),
    "deep reentrant checkpoint": (lambda: DeepCheckpointed(True), Checkpointed),
    "dropout": (lambda: sequential(nn.Tanh(), nn.Dropout(0.5)), lambda: sequential(nn.Tanh())),
    "encoder layer": (layer, lambda: layer(plain=True)),
    "LSTM": (lambda: Recurrent(nn.LSTM),) * 2,
    "GRU": (lambda: Recurrent(nn.GRU),) * 2,
    "tied and frozen": (Tied,) * 2,
    "adapter": (Adapted,) * 2,
    "layer norm": (lambda: sequential(nn.LayerNorm(4), nn.GELU()),) * 2,
    "weight norm": (
        lambda: WeightNormalized(parametrizations.weight_norm), lambda: WeightNormalized(None)
    ),
    "spectral norm": (lambda: sequential(nn.Tanh(), parametrizations.spectral_norm(nn.Linear(4, 4))),) * 2,
    "convolution": (
        lambda: nn.Sequential(
            nn.Unflatten(1, (1, 3)), nn.Conv1d(1, 4, 2), nn.Softplus(), nn.Flatten(), nn.Linear(8, 2)
        ),
    ) * 2,
}  # fmt: skip
# functorch refuses saved tensors with hooks, and `requires_grad_` inside the model.
NO_VJP = ("checkpoint", "deep checkpoint", "deep reentrant checkpoint")


def made(make):
    torch.manual_seed(5)
    return make()


@cache
def expected(name):
    """Dense Hessian of the plain form."""
    return dense(made(CASES[name][1]), mse, tuple(each.double() for each in pair()))


@pytest.mark.parametrize("method", ["cached", "double", "vjp"])
@pytest.mark.parametrize("name", CASES)
def test_the_hessian_is_that_of_the_plain_formula(name, method):
    model = made(CASES[name][0])
    probe = Probe(model, mse, pair(), precision="float64")
    H = expected(name)
    if method == "vjp" and name in NO_VJP:
        found = sharpness(model, mse, pair(), method="vjp")
        assert found.status in ("error", "unsupported")
        assert found.reason
        return
    vectors = torch.randn(3, probe.size, generator=torch.Generator().manual_seed(0), dtype=torch.float64)
    with probe.measuring(verify=True):
        operator = probe.operator(method)
        for vector in vectors:
            assert (operator.product(vector) - H @ vector).abs().max() <= 4096 * EPS * H.abs().max()


def largest_of(H):
    return float(torch.linalg.eigvalsh(H)[-1])


def near(found, value, tolerance):
    """Whether a measurement converged at a value, whose error a residual of 1e-3 leaves small."""
    return found.status == "converged" and abs(found.value - value) <= tolerance * abs(value)


def test_a_compiled_model_is_measured_without_compiling():
    def refuse(*_):
        raise AssertionError("compiled")

    model = made(CASES["dropout"][1])
    compiled = torch.compile(model, backend=refuse)
    inner = nn.Sequential(torch.compile(model, backend=refuse))
    for one in (compiled, inner):
        assert near(sharpness(one, mse, pair()), largest_of(expected("dropout")), 1e-4)
    assert Probe(compiled, mse, pair()).names == tuple(name for name, _ in model.named_parameters())


def test_a_model_inside_data_parallel_is_unwrapped():
    model = made(CASES["dropout"][1])
    found = sharpness(nn.DataParallel(model), mse, pair())
    assert near(found, largest_of(expected("dropout")), 1e-4)


def test_parameters_in_bfloat16_are_raised():
    """The reference has the same rounded weights; products in bfloat16 itself are a noise floor."""
    model = made(lambda: nn.Sequential(nn.Linear(3, 40), nn.Tanh(), nn.Linear(40, 2))).bfloat16()
    batch = tuple(each.bfloat16() for each in pair(64))
    top = largest_of(dense(model, mse, tuple(each.double() for each in batch)))
    found = sharpness(model, mse, batch)
    assert near(found, top, 1e-5)
    assert found.precision == "float32"
    rough = sharpness(model, mse, batch, precision="as_is")
    assert rough.precision == "as_is"
    assert rough.status == "noise_floor"
    assert abs(rough.value - top) <= 0.05 * top
    assert model[0].weight.dtype == torch.bfloat16


def test_autocast_around_a_measurement_is_ignored_and_inside_the_loss_is_kept():
    def cast(model, batch):
        with torch.autocast("cpu", dtype=torch.bfloat16):
            return mse(model, batch).float()

    model, top = made(CASES["dropout"][1]), largest_of(expected("dropout"))
    with torch.autocast("cpu", dtype=torch.bfloat16):
        assert near(sharpness(model, mse, pair()), top, 1e-4)
        rough = sharpness(model, lambda m, b: mse(m, b).float(), pair(), precision="as_is", tolerance=0.1)
    inside = sharpness(model, cast, pair(), tolerance=0.1)
    for found in (rough, inside):
        assert 1e-6 * top < abs(found.value - top) <= 0.05 * top


def test_one_frozen_mask_makes_dropout_a_function():
    model = made(lambda: sequential(nn.Tanh(), nn.Dropout(0.5)))
    probe = Probe(model, mse, pair(), precision="float64", dropout="frozen")
    assert probe.loss() == probe.loss() != Probe(model, mse, pair(), precision="float64").loss()
    cached, double = matrix(probe.operator("cached")), matrix(probe.operator("double"))
    assert (cached - double).abs().max() <= 64 * EPS * cached.abs().max()


@pytest.mark.parametrize("named", [False, True], ids=["by place", "by name"])
def test_dropout_by_functions_is_switched_off(named):
    def dropping(share):
        def loss(model, batch):
            x = model(batch[0])
            given = {"attn_mask": None, "dropout_p": share}
            heads = x[None], x[None], x[None]
            call = nn.functional.scaled_dot_product_attention
            y = call(*heads, **given) if named else call(*heads, *given.values(), False)
            z = nn.functional.alpha_dropout(nn.functional.dropout(input=y[0], p=share), share, True)
            return ((z - batch[1]) ** 2).mean()

        return loss

    model = made(CASES["dropout"][1])
    found, undropped = (sharpness(model, dropping(share), pair()) for share in (0.5, 0.0))
    assert found.status == "converged"
    assert found.value == undropped.value


def test_other_random_numbers_are_found_out():
    def noisy(model, batch):
        return mse(model, (batch[0] + torch.randn_like(batch[0]), batch[1]))

    found = sharpness(made(CASES["dropout"][1]), noisy, pair())
    assert found.status == "nondeterministic"
    assert "give dropout='frozen'" in found.reason
    assert sharpness(made(CASES["dropout"][1]), noisy, pair(), dropout="frozen").status == "converged"


def test_the_mode_of_batch_normalization_can_be_chosen():
    model = made(Normalized)
    top = {
        True: largest_of(expected("batch normalization")),
        False: largest_of(expected("running statistics")),
    }
    for training in (True, False):
        model.train(training)
        found = {
            mode: sharpness(model, mse, pair(), batch_norm=mode) for mode in ("as_is", "batch", "running")
        }
        assert found["as_is"].batch_norm == ("batch" if training else "running")
        assert near(found["as_is"], top[training], 1e-4)
        assert near(found["batch"], top[True], 1e-4)
        assert near(found["running"], top[False], 1e-4)
        assert model.training == model.norm.training == training


def test_batches_count_by_their_examples_or_by_given_weights():
    """Ragged batches give the Hessian over all examples; equal weights would not."""
    inputs, labels = pair(11)
    batches = [(inputs[:5], labels[:5]), (inputs[5:10], labels[5:10]), (3 * inputs[10:], labels[10:])]
    whole = (torch.cat([b[0] for b in batches]), torch.cat([b[1] for b in batches]))
    model = made(CASES["dropout"][1])
    one = matrix(Probe(model, mse, whole, precision="float64").operator())
    several = Probe(model, mse, batches, precision="float64")
    assert (matrix(several.operator()) - one).abs().max() <= 64 * EPS * one.abs().max()
    assert several.samples == 11
    gradients = zip(several.gradient(), Probe(model, mse, whole, precision="float64").gradient(), strict=True)
    assert all((a - b).abs().max() <= 64 * EPS for a, b in gradients)
    equal = matrix(Probe(model, mse, batches, weights=[1, 1, 1], precision="float64").operator())
    assert (equal - one).abs().max() > 0.01 * one.abs().max()
    last = matrix(several.operator(pieces=[2]))
    alone = matrix(Probe(model, mse, batches, weights=[0, 0, 2.0], precision="float64").operator())
    assert (last - alone).abs().max() <= 64 * EPS * last.abs().max()


class Tokens(nn.Module):
    """Next-token model on batches of dicts, as Hugging Face collates them."""

    def __init__(self):
        super().__init__()
        self.inner = nn.Embedding(5, 3)
        self.outer = nn.Linear(3, 5, bias=False)
        self.outer.weight = self.inner.weight

    def forward(self, input_ids, labels):
        logits = self.outer(torch.tanh(self.inner(input_ids)))
        return nn.functional.cross_entropy(logits.flatten(0, 1), labels.flatten(), ignore_index=-100)


def test_batches_of_dicts_with_masked_labels_weigh_by_the_labels_that_count():
    draw = torch.Generator().manual_seed(0)
    ids = torch.randint(0, 5, (4, 6), generator=draw)
    labels = ids.roll(-1, 1)
    labels[:2, 1:] = -100
    batches = [{"input_ids": ids[i : i + 2], "labels": labels[i : i + 2]} for i in (0, 2)]
    model = made(Tokens)

    def loss(model, batch):
        return model(**batch)

    H = dense(model, loss, {"input_ids": ids, "labels": labels})
    counts = [int((b["labels"] >= 0).sum()) for b in batches]
    probe = Probe(model, loss, batches, weights=counts, precision="float64")
    assert probe.names == ("inner.weight",)
    assert (matrix(probe.operator()) - H).abs().max() <= 64 * EPS * H.abs().max()


def test_a_loss_that_differentiates_by_its_inputs_is_measured():
    """A physics-informed loss: mean (u'(x) - x)², with u' by autograd."""

    def residual(model, x):
        (slope,) = torch.autograd.grad(model(x).sum(), x, create_graph=True)
        return ((slope - x) ** 2).mean()

    def plain(model, x):  # u' = w2 diag(1 - tanh²) w1, by hand
        h = torch.tanh(model[0](x))
        return (((1 - h**2) * model[0].weight[:, 0] @ model[2].weight[0] - x[:, 0]) ** 2).mean()

    model = made(lambda: nn.Sequential(nn.Linear(1, 4), nn.Tanh(), nn.Linear(4, 1, bias=False)))
    x = torch.linspace(-1, 1, 9)[:, None]
    probe = Probe(model, residual, x.clone().requires_grad_(), precision="float64")
    H = dense(model, plain, x.double())
    assert (matrix(probe.operator()) - H).abs().max() <= 64 * EPS * H.abs().max()
    assert probe.loss() >= 0.0


def test_chosen_parameters_and_blocks_are_parts_of_the_hessian():
    model, H = made(CASES["dropout"][1]), expected("dropout")
    chosen = {"0.*": slice(0, 16), "*.bias": [*range(12, 16), *range(24, 26)]}
    for patterns, rows in chosen.items():
        part = matrix(Probe(model, mse, pair(), select=patterns, precision="float64").operator())
        assert (part - H[rows][:, rows]).abs().max() <= 64 * EPS * H.abs().max()
    by_size = Probe(model, mse, pair(), select=lambda name, p: p.ndim > 1)  # noqa: ARG005
    assert by_size.names == ("0.weight", "2.weight")
    blocks = block_sharpness(model, mse, pair())
    assert list(blocks) == ["0", "2"]
    assert near(blocks["0"], largest_of(H[:16, :16]), 1e-4)
    named = block_sharpness(model, mse, pair(), {"last": ["2.*"]}, batch_norm="running")
    assert named["last"].value == blocks["2"].value


def test_a_shared_matrix_is_chosen_by_each_of_its_names():
    """A block has the whole effect of a matrix that it shares, as training has."""
    model, H = made(Tied), expected("tied and frozen")  # inner: 9 + 3, the bias of outer: 3, last.weight: 6
    blocks = {"inner": ["inner.*"], "outer": ["outer.*"], "both": ["inner.*", "outer.*"]}
    rows = {"inner": [*range(12)], "outer": [*range(9), 12, 13, 14], "both": [*range(15)]}
    for name, found in block_sharpness(model, mse, pair(), blocks).items():
        assert near(found, largest_of(H[rows[name]][:, rows[name]]), 1e-4)
    assert Probe(model, mse, pair(), select="outer.*").names == ("inner.weight", "outer.bias")


class OnceOnly(torch.autograd.Function):
    @staticmethod
    def forward(ctx, x):
        ctx.save_for_backward(x)
        return x**3

    @staticmethod
    @torch.autograd.function.once_differentiable
    def backward(ctx, slope):
        return 3 * ctx.saved_tensors[0] ** 2 * slope


def ctc(model, batch):
    scores = model(batch[0]).log_softmax(-1)[:, None]
    targets, lengths = torch.tensor([[1, 1]]), (torch.tensor([len(scores)]), torch.tensor([2]))
    return nn.functional.ctc_loss(scores, targets, *lengths)


@pytest.mark.parametrize(
    ("loss", "reason"),
    [
        (lambda m, b: torch.cdist(m(b[0]), b[1]).mean(), "_cdist_backward has no second derivative"),
        (ctc, "_ctc_loss_backward has no second derivative"),
        (lambda m, b: (OnceOnly.apply(m(b[0])) ** 2).mean(), "marked as once differentiable"),
        (lambda m, b: OnceOnly.apply(m(b[0])).mean(), "marked as once differentiable"),  # a constant slope
    ],
    ids=["cdist", "ctc", "once differentiable", "once differentiable under a mean"],
)
def test_an_operation_without_second_derivative_is_named(loss, reason):
    model = made(CASES["dropout"][1])
    found = sharpness(model, loss, pair())
    assert (found.status, found.products) == ("unsupported", 0)
    assert reason in found.reason
    assert math.isnan(found.value)
    assert math.isnan(found.lower_bound)
    assert repr(found) == f"Sharpness(unsupported: {found.reason})"
    if "once" in reason:
        assert sharpness(model, loss, pair(), method="vjp").status == "unsupported"
    if "cdist" in reason:  # differences of gradients need no second derivative
        by_differences = sharpness(model, loss, pair(), method="differences", precision="float64")
        assert by_differences.status == "converged"


def test_differences_state_their_own_error():
    model, H = made(CASES["dropout"][1]), expected("dropout")
    operator = Probe(model, mse, pair(), precision="float64").operator("differences")
    vector = torch.linspace(-1, 1, operator.size, dtype=torch.float64)
    error = (operator.product(vector) - H @ vector).norm() / (H @ vector).norm()
    assert 0.0 < error <= 10 * operator.disagreement <= 1e-5
    assert not operator.product(0 * vector).any()
    half = sharpness(
        model.half(), mse, tuple(b.half() for b in pair()), method="differences", precision="as_is"
    )
    assert half.status == "unsupported"
    assert half.reason == "differences of gradients need parameters of at least float32"


@pytest.mark.skipif(not torch.cuda.is_available(), reason="no GPU at hand")
@pytest.mark.parametrize("name", ["LSTM", "attention", "batch normalization", "dropout"])
def test_on_a_gpu_the_hessian_is_that_of_the_plain_formula(name):
    model, batch = made(CASES[name][0]).cuda(), tuple(each.cuda() for each in pair())
    probe = Probe(model, mse, batch, precision="float64")
    unit = torch.eye(probe.size, dtype=torch.float64, device="cuda")
    with probe.measuring(verify=True):
        operator = probe.operator()
        found = torch.stack([operator.product(each) for each in unit]).cpu()
    assert (found - expected(name)).abs().max() <= 2.0**20 * EPS * expected(name).abs().max()
    assert near(sharpness(model, mse, batch), largest_of(expected(name)), 1e-4)
