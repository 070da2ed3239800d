"""Lightning and Hugging Face: their training with the monitor is their training, and its rows are true.

Both take seconds to import, so that one file holds their tests. They belong to the extra `dev`: where they
are missing, the tests are skipped, but not in CI.
"""

from __future__ import annotations

import importlib
import importlib.util
import os
import sys
import warnings
from types import SimpleNamespace

import pytest
import torch

from stepscape.errors import InputError, Unavailable
from stepscape.monitor import sharpness
from stepscape.monitor.fingerprint import fingerprint

nn = torch.nn


def needs(*packages):
    missing = [name for name in packages if importlib.util.find_spec(name) is None]
    return pytest.mark.skipif(
        bool(missing) and not os.environ.get("CI"), reason=f"{' and '.join(missing)} not installed"
    )


lightning = needs("lightning")
huggingface = needs("transformers", "accelerate")
pytestmark = [pytest.mark.long, pytest.mark.filterwarnings("ignore")]  # warnings of the frameworks


def imported(name):
    """Import a module; what the frameworks warn of while they load is theirs."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        return importlib.import_module(name)


def raises_from(count, loss):
    """A loss that fails from a certain call on, after it has drawn random numbers."""
    calls = iter(range(10**9))

    def failing(model, batch):
        torch.rand(3)
        if next(calls) >= count:
            raise KeyError("label")
        return loss(model, batch)

    return failing


def differences(one, other):
    """Names of what differs, but for the counters of versions, whose objects are others."""
    return [name for name in one if one[name] != other[name] and "flags of" not in name]


# ---- Lightning


def picture_loss(module, batch):
    return nn.functional.mse_loss(module(batch[0]).float(), batch[1])


def pictures(rows=24):
    draw = torch.Generator().manual_seed(1)
    return torch.randn(rows, 3, generator=draw), torch.randn(rows, 2, generator=draw)


def lightning_training(make_callbacks, precision="32-true", optimizer="AdamW", clip=0.3, **settings):
    """Six batches, accumulated by two, of a network with dropout and batch normalization."""
    pl = imported("lightning.pytorch")

    class Module(pl.LightningModule):
        def __init__(self):
            super().__init__()
            norm = nn.BatchNorm1d(4)
            self.net = nn.Sequential(nn.Linear(3, 4), norm, nn.Tanh(), nn.Dropout(0.3), nn.Linear(4, 2))
            self.norms, self.logged = [], 0

        def forward(self, x):
            return self.net(x)

        def training_step(self, batch, _):
            self.logged += 1
            return picture_loss(self, batch)

        def on_before_optimizer_step(self, _):
            self.norms.append(float(torch.cat([p.grad.flatten() for p in self.parameters()]).norm()))

        def configure_optimizers(self):
            return getattr(torch.optim, optimizer)(self.parameters(), lr=0.05)

    pl.seed_everything(0, verbose=False)
    module = Module()
    data = torch.utils.data.DataLoader(torch.utils.data.TensorDataset(*pictures()), 4, shuffle=True)
    trainer = pl.Trainer(
        max_epochs=1, accelerator="cpu", precision=precision, accumulate_grad_batches=2, logger=False,
        gradient_clip_val=clip, enable_checkpointing=False, enable_progress_bar=False,
        enable_model_summary=False, callbacks=make_callbacks(), **settings,
    )  # fmt: skip
    trainer.fit(module, data)
    return module, fingerprint(module, trainer.optimizers[0]) | {"steps": str(module.logged)}


def lightning_monitor(**settings):
    kind = imported("stepscape.monitor.lightning").LightningMonitor
    return kind(**{"loss": picture_loss, "batch": pictures(), "every": 1, **settings})


@lightning
@pytest.mark.parametrize("precision", ["32-true", "bf16-mixed"])
def test_training_of_lightning_is_bit_identical(precision):
    _, plain = lightning_training(list, precision)
    watch, fails = lightning_monitor(), lightning_monitor(loss=raises_from(5, picture_loss))
    module, watched = lightning_training(lambda: [watch, fails], precision)
    assert differences(plain, watched) == []
    assert [row.step for row in watch.monitor.rows] == [1, 2, 3]
    assert {row.status for row in watch.monitor.rows} == {"converged"}
    assert fails.monitor.rows[-1].status == "error"
    # float32 also under bf16-mixed, on the module that was trained
    truth = sharpness(module, picture_loss, pictures())
    assert watch.monitor.rows[-1].lambda_max == pytest.approx(truth.value, rel=1e-4)
    assert watch.monitor.off == "it was closed"


@lightning
@pytest.mark.parametrize("clip", [0.3, 1e6, None])
def test_clipping_of_lightning_shortens_the_step(clip):
    watch = lightning_monitor()
    module, _ = lightning_training(lambda: [watch], optimizer="SGD", clip=clip)
    for row, norm in zip(watch.monitor.rows, module.norms, strict=True):
        kappa = min(1.0, (clip or 1e6) / norm)
        assert row.clipped is (kappa < 1.0)
        assert row.edge_ratio == pytest.approx(kappa * row.lambda_max * 0.05 / 2.0, rel=1e-4)


@lightning
def test_clipping_that_is_not_by_the_norm_is_left_open():
    coefficient = imported("stepscape.monitor.lightning")._clip_coefficient
    optimizer = torch.optim.SGD([nn.Parameter(torch.zeros(1))], lr=1.0)
    trainer = {
        "gradient_clip_val": 1.0,
        "gradient_clip_algorithm": "value",
        "lightning_module": SimpleNamespace(automatic_optimization=True),
    }
    assert coefficient(SimpleNamespace(**trainer), optimizer) is None
    assert coefficient(SimpleNamespace(**trainer | {"gradient_clip_algorithm": "norm"}), optimizer) == 1.0
    manual = {"lightning_module": SimpleNamespace(automatic_optimization=False)}
    assert coefficient(SimpleNamespace(**trainer | manual), optimizer) is None


@lightning
def test_a_step_that_the_scaler_of_lightning_skips_is_none():
    """In float16, with a scale at which the first gradients overflow, and clipping."""
    amp = imported("lightning.pytorch.plugins").MixedPrecision
    scaler = torch.amp.GradScaler("cpu", init_scale=2.0**18, backoff_factor=2.0**-9)
    watch = lightning_monitor()
    lightning_training(lambda: [watch], plugins=[amp("16-mixed", "cpu", scaler)], precision=None)
    assert scaler.get_scale() == 2.0**9
    assert [row.step for row in watch.monitor.rows] == [2, 3]
    assert {row.status for row in watch.monitor.rows} == {"converged"}


@lightning
def test_lightning_is_told_what_is_missing():
    with pytest.raises(InputError, match=r"loss must be a function of the module and a batch.*training_step"):
        lightning_monitor(loss=None)
    trainer = SimpleNamespace(global_step=0, is_global_zero=True, optimizers=[1, 2])
    trainer.strategy = SimpleNamespace(root_device="cpu")
    with pytest.raises(InputError, match=r"optimizer must be a number where .* just one, got none; it has 2"):
        lightning_monitor().on_train_start(trainer, None)
    with pytest.raises(InputError, match="optimizer must be a number below 2, got 2"):
        lightning_monitor(optimizer=2).on_train_start(trainer, None)


@lightning
def test_of_several_processes_of_lightning_the_first_one_measures():
    watch = lightning_monitor()
    trainer = SimpleNamespace(global_step=0, is_global_zero=False)
    watch.on_train_start(trainer, None)
    watch.on_before_optimizer_step(trainer, None, None)
    trainer.global_step = 1
    watch.on_train_batch_end(trainer, None, None, None, 0)
    watch.teardown(trainer, None, "fit")
    assert watch.monitor is None


# ---- Hugging Face


def tokens(rows=16):
    draw = torch.Generator().manual_seed(2)
    ids = torch.randint(12, (rows, 6), generator=draw)
    return {"input_ids": ids, "labels": ids.clone()}


NO_ENDS = {"bos_token_id": None, "eos_token_id": None}


def gpt2():
    transformers = imported("transformers")
    config = transformers.GPT2Config(vocab_size=12, n_positions=6, n_embd=8, n_layer=2, n_head=2, **NO_ENDS)
    return transformers.GPT2LMHeadModel(config)  # with dropout 0.1 everywhere, in its attention, too


def huggingface_training(directory, callbacks, bf16=False, **settings):
    """Three steps of AdamW over gradients accumulated twice."""
    transformers = imported("transformers")
    transformers.set_seed(0)
    model = gpt2()
    arguments = transformers.TrainingArguments(
        str(directory), max_steps=3, per_device_train_batch_size=4, gradient_accumulation_steps=2,
        use_cpu=True, bf16=bf16, report_to=[], save_strategy="no", logging_strategy="no", disable_tqdm=True,
        learning_rate=1e-2, **settings,
    )  # fmt: skip
    whole = tokens()
    rows = [{name: column[i] for name, column in whole.items()} for i in range(16)]
    trainer = transformers.Trainer(model, arguments, train_dataset=rows, callbacks=callbacks)
    trainer.train()
    return model, fingerprint(model, trainer.optimizer.optimizer)


def huggingface_monitor(**settings):
    kind = imported("stepscape.monitor.huggingface").HuggingFaceMonitor
    return kind(**{"batch": tokens(), "every": 1, **settings})


@huggingface
@pytest.mark.parametrize("bf16", [False, True], ids=["float32", "autocast"])
def test_training_of_hugging_face_is_bit_identical(bf16, tmp_path):
    _, plain = huggingface_training(tmp_path, [], bf16)
    watch = huggingface_monitor()
    model, watched = huggingface_training(tmp_path, [watch], bf16)
    assert differences(plain, watched) == []
    assert [row.step for row in watch.monitor.rows] == [1, 2, 3]
    assert {(row.status, row.precision, row.clipped) for row in watch.monitor.rows} == {
        ("converged", "float32", None)
    }
    # What Accelerate puts around the forward pass rounds to bfloat16; the monitor's numbers are not rounded.
    bare = gpt2()
    bare.load_state_dict(model.state_dict())
    truth = sharpness(bare, lambda m, b: m(**b).loss, tokens())
    assert watch.monitor.rows[-1].lambda_max == pytest.approx(truth.value, rel=1e-5)
    if bf16:
        rounded = sharpness(model, lambda m, b: m(**b).loss, tokens(), precision="as_is", tolerance=0.1)
        assert abs(rounded.value - truth.value) > 1e-5 * truth.value


@huggingface
def test_an_exception_inside_the_loss_leaves_hugging_face_alone(tmp_path):
    _, plain = huggingface_training(tmp_path, [], max_grad_norm=0.0)
    loss = raises_from(5, lambda model, batch: model(**batch).loss)
    watch = huggingface_monitor(loss=loss)
    _, watched = huggingface_training(tmp_path, [watch], max_grad_norm=0.0)
    assert differences(plain, watched) == []
    assert watch.monitor.rows[-1].status == "error"
    assert "KeyError" in watch.monitor.rows[-1].reason


@huggingface
def test_hugging_face_is_told_what_is_missing():
    with pytest.raises(InputError, match="loss must be a function of the model and the batch"):
        huggingface_monitor(loss=3)
    first = SimpleNamespace(is_world_process_zero=True)
    with pytest.raises(InputError, match="loss must be given where label_smoothing_factor is not 0"):
        huggingface_monitor().on_train_begin(SimpleNamespace(label_smoothing_factor=0.1), first, None)


@huggingface
@pytest.mark.parametrize(
    ("batch", "got"),
    [
        (None, "got None"),
        (torch.ones(4, 8), r"got a Tensor of shape \(4, 8\)"),
        ([], r"got \[\]"),
        ([{"input_ids": [1, 2], "labels": [1, 2]}], "got rows that are not collated"),
        ([{"input_ids": torch.ones(8)}] * 2, "got rows that are not collated"),
    ],
)
def test_hugging_face_takes_what_a_collator_returns(batch, got):
    kind = imported("stepscape.monitor.huggingface").HuggingFaceMonitor
    with pytest.raises(
        InputError, match=rf"batch must be what the data collator returns, with labels, {got}; "
    ):
        kind(batch)
    kind(batch, lambda model, batch: model(batch))  # a loss of the user's may take anything
    kind([{"input_ids": torch.ones(2, 8)}] * 2)
    kind({"x": torch.ones(8), "labels": torch.ones(8)})


@huggingface
def test_a_batch_without_labels_has_no_loss():
    own_loss = imported("stepscape.monitor.huggingface").own_loss
    with pytest.raises(
        InputError, match=r"batch must hold labels, from which the model computes its loss, got n"
    ):
        own_loss(lambda **_: SimpleNamespace(loss=None), {})


@huggingface
def test_of_several_processes_of_hugging_face_the_first_one_measures():
    watch, other = huggingface_monitor(), SimpleNamespace(is_world_process_zero=False, global_step=1)
    watch.on_train_begin(None, other, None)
    watch.on_step_end(None, other, None)
    watch.on_train_end(None, other, None)
    assert watch.monitor is None


@huggingface
def test_a_step_that_the_scaler_of_accelerate_skips_is_none():
    """The optimizer of a Trainer is that of Accelerate, which knows what the scaler did."""
    model, state = gpt2(), SimpleNamespace(is_world_process_zero=True, global_step=0)
    imported("accelerate").Accelerator(cpu=True)
    kind, base = (
        imported("accelerate.optimizer").AcceleratedOptimizer,
        torch.optim.SGD(model.parameters(), 0.01),
    )
    optimizer = kind(base, scaler=torch.amp.GradScaler("cpu"))
    arguments = SimpleNamespace(label_smoothing_factor=0.0, max_grad_norm=0.0, device=torch.device("cpu"))
    watch = huggingface_monitor()
    watch.on_train_begin(arguments, state, None, model=model, optimizer=optimizer)
    for step, overflow in enumerate((True, False, True, False), 1):
        optimizer.scaler.scale(model(**tokens()).loss).backward()
        if overflow:
            next(model.parameters()).grad.fill_(torch.inf)
        optimizer.step()
        optimizer.zero_grad()
        state.global_step = step
        watch.on_step_end(arguments, state, None, model=model, optimizer=optimizer)
    assert [row.step for row in watch.monitor.rows] == [2, 4]


# ---- without the packages


@pytest.mark.parametrize(
    ("module", "packages", "sentence"),
    [
        ("lightning", ("lightning.pytorch", "pytorch_lightning"), "Lightning is not installed; pip install"),
        ("huggingface", ("transformers",), "Transformers is not installed; pip install"),
    ],
)
def test_what_is_not_installed_is_named(module, packages, sentence, monkeypatch):
    for name in packages:
        monkeypatch.setitem(sys.modules, name, None)
    monkeypatch.delitem(sys.modules, f"stepscape.monitor.{module}", raising=False)
    with pytest.raises(Unavailable, match=sentence):
        importlib.import_module(f"stepscape.monitor.{module}")
