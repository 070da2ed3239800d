"""What cannot be measured is refused in one sentence, or gets a status and a sentence; training continues."""

from __future__ import annotations

import sys

import numpy as np
import pytest
import torch

from probed_models import mse, network, pair
from stepscape.errors import InputError, Unavailable
from stepscape.monitor import (
    Monitor,
    Probe,
    Row,
    Track,
    Unmeasured,
    batch_sharpness,
    critical_step_size,
    follow,
    largest,
    preconditioned,
    sharpness,
    threshold_of,
    trace_penalty,
)  # fmt: skip
from stepscape.monitor.failure import unmeasured

nn = torch.nn


def generator():
    yield pair()


OTHER = network()
REFUSED = {
    "no loss": ({"loss": None}, r"loss must be a function of the model and the batch, got None"),
    "a criterion": (
        {"loss": nn.CrossEntropyLoss()},
        r"loss must be a function of the model and the batch, got CrossEntropyLoss, which is one of outputs "
        r"and "
        r"targets; wrap it: lambda model, batch: criterion\(model\(batch\[0\]\), batch\[1\]\)",
    ),
    "a criterion as a function": (
        {"loss": nn.functional.cross_entropy},
        r"loss must be a function of the model and the batch, got cross_entropy, which is one of outputs",
    ),
    "three arguments": (
        {"loss": lambda model, inputs, labels: mse(model, (inputs, labels))},
        r"must be a function of the model and the batch, got one of \(model, inputs, labels\); wrap it",
    ),
    "no argument": (
        {"loss": lambda: 1.0},
        r"must be a function of the model and the batch, got one of no argument; wrap it",
    ),
    "backward": (
        {"loss": lambda m, b: [mse(m, b).backward()]},
        r"loss must return the loss and leave gradients to the monitor, got one that takes them; call "
        r"neither",
    ),
    "a class": ({"loss": nn.MSELoss}, r"loss must be a function of the model and the batch, got the class"),
    "no model": ({"model": "net"}, r"model must be a torch\.nn\.Module, got 'net'"),
    "not a tensor": (
        {"loss": lambda *_: 1.0},
        r"loss must return a real scalar tensor, got 1\.0; return the loss itself, without item\(\)",
    ),
    "None": (
        {"batch": None},
        r"batch must be what the loss takes, got None; give examples, or \(\) for a loss",
    ),
    "one per example": (
        {"loss": lambda m, b: m(b[0]).square().sum(1)},
        r"loss must return a real scalar tensor, got a tensor of shape \(7,\) .*; take the mean",
    ),
    "complex": (
        {"loss": lambda m, b: m(b[0]).sum() * 1j},
        r"got a tensor of shape \(\) and type torch\.complex64",
    ),
    "constant": (
        {"loss": lambda m, b: b[0].sum() + 0 * m(b[0]).detach().sum()},
        r"loss must depend on the chosen parameters of the model that it is given, got one that does not",
    ),
    "another model": (
        {"loss": lambda _, b: mse(OTHER, b)},
        r"must depend on the chosen parameters .*, got one that does not; use differentiable .*no other",
    ),
    "empty batch": ({"batch": pair(0)}, r"batch must hold at least one example, got none"),
    "no batches": ({"batch": []}, r"batch must hold at least one example, got an empty list"),
    "iterator": (
        {"batch": generator()},
        r"batch must be a batch or a list of batches, got a generator; give a list",
    ),
    "loader": (
        {"batch": torch.utils.data.DataLoader([1.0])},
        r"batch must be a batch or a list of batches, got a DataLoader; give a list of some of its batches",
    ),
    "weights": (
        {"batch": [pair()], "weights": [1, 2]},
        r"weights must hold one number for each of the 1 batches",
    ),
    "no weight": ({"batch": [pair()], "weights": [0]}, r"weights must have a positive sum, got 0\.0"),
    "negative weight": ({"weights": [-1.0]}, r"each of weights must be finite and not negative, got -1\.0"),
    "nothing chosen": (
        {"select": "3.*"},
        r"model must have chosen parameters that require gradients, got none",
    ),
    "frozen": (
        {"model": network().requires_grad_(False)},
        r"model must have chosen parameters that require gradients",
    ),
    "lazy": (
        {"model": nn.LazyLinear(2)},
        r"model must be initialized, got the lazy parameter weight; call it",
    ),
    "complex parameters": (
        {"model": nn.Linear(3, 2, dtype=torch.complex64)},
        r"model must have real parameters, got weight of torch",
    ),
    "precision": (
        {"precision": "float"},
        r"unknown precision 'float'; did you mean 'float64'\? known: float32, as_is",
    ),
    "batch_norm": ({"batch_norm": "eval"}, r"unknown batch_norm 'eval'; .*known: as_is, batch, running"),
    "dropout": ({"dropout": "on"}, r"unknown dropout 'on'; .*known: off, frozen"),
    "method": ({"method": "jvp"}, r"unknown method 'jvp'; did you mean 'vjp'\? known: auto, cached, double"),
    "tolerance": ({"tolerance": 0.0}, r"tolerance must lie strictly between 0 and 1, got 0\.0"),
    "budget": ({"max_products": 1}, r"max_products must be a whole number of at least 2, got 1"),
}


@pytest.mark.parametrize("name", REFUSED)
def test_wrong_input_is_one_sentence(name):
    wrong, sentence = REFUSED[name]
    given = {"model": network(), "loss": mse, "batch": pair()} | wrong
    with pytest.raises(InputError, match=sentence):
        sharpness(**given)


def elsewhere(*_):
    """What PyTorch says of a batch that lies on another device than the model."""
    raise RuntimeError("Expected all tensors to be on the same device, but found cuda:0 and cpu!\nmore")


def exhausted(*_):
    raise torch.OutOfMemoryError("CUDA out of memory")


def sharded():
    """What PyTorch's FSDP1 makes: its class by name, without a process group."""
    kind = type("FullyShardedDataParallel", (nn.Module,), {"__module__": "torch.distributed.fsdp"})
    return kind()


def deepspeed():
    return type("DeepSpeedEngine", (nn.Module,), {"__module__": "deepspeed.runtime.engine"})()


def in_two_places():
    model = network()
    model[2].to("meta")
    return model


STATUSES = {
    "FSDP": (
        {"model": sharded()},
        "unsupported",
        "FullyShardedDataParallel shards its parameters over processes",
    ),
    "DeepSpeed": ({"model": deepspeed()}, "unsupported", "DeepSpeedEngine shards its parameters"),
    "two devices": (
        {"model": in_two_places()},
        "unsupported",
        "parameters lie on cpu and meta; select those on one",
    ),
    "mixed devices": (
        {"loss": elsewhere},
        "error",
        "the loss raised RuntimeError: Expected all tensors to be",
    ),
    "a batch elsewhere": (
        {"batch": tuple(one.to("meta") for one in pair())},
        "error",
        "is not on the expected device meta!; the batch lies on meta, the model on cpu",
    ),
    "wrong shapes": (
        {"batch": (torch.ones(2, 5), torch.ones(2, 2))},
        "error",
        "RuntimeError: mat1 and mat2 shapes",
    ),
    "nan": (
        {"loss": lambda m, b: mse(m, b) * float("nan")},
        "nonfinite",
        "the loss is nan at the model's parameters",
    ),
    "kink": (
        {"loss": lambda m, b: (m(b[0]) * 0).sum().sqrt()},
        "nonfinite",
        "a Hessian product is not finite",
    ),
    "memory": (
        {"loss": exhausted},
        "oom",
        "memory did not suffice for the measurement; give a smaller batch",
    ),
}


@pytest.mark.parametrize("name", STATUSES)
def test_what_a_model_does_not_allow_is_a_status(name):
    wrong, status, reason = STATUSES[name]
    given = {"model": network(), "loss": mse, "batch": pair()} | wrong
    found = sharpness(**given)
    assert found.status == status
    assert reason in found.reason
    assert np.isnan([found.value, found.residual, found.lower_bound]).all()


def test_a_batch_that_the_loss_moves_may_lie_elsewhere():
    far = tuple(one.to("meta") for one in pair())
    found = sharpness(network(), lambda m, b: mse(m, tuple(torch.ones(one.shape) for one in b)), far)
    assert found.status == "converged"


def test_parameters_spread_over_processes_are_unsupported():
    """FSDP2 leaves the class of the model alone and makes its parameters DTensors."""
    from stepscape.monitor import wrappers

    class DTensor(nn.Parameter):
        pass

    model = network()
    model[0].bias = DTensor(torch.zeros(4))
    with pytest.raises(Unmeasured, match=r"a model with parameters of type DTensor shards its parameters"):
        wrappers.unwrapped(model)


def test_where_the_graph_does_not_fit_it_is_built_for_each_product(monkeypatch):
    probe = Probe(network(), mse, pair(), precision="float64")
    whole, kept = probe.operator("cached"), probe.operator()

    def full(*_):
        raise Unmeasured("oom", "memory did not suffice")

    monkeypatch.setattr(kept, "_cached", full)
    monkeypatch.setattr(kept, "_double", whole._double)
    vector = torch.ones(probe.size, dtype=torch.float64)
    assert torch.equal(kept.product(vector), whole.product(vector))
    assert kept.method == "double"
    monkeypatch.setattr(kept, "_double", full)
    monkeypatch.setattr(kept, "_vjp", full)
    kept.method, kept._products = "cached", None
    with pytest.raises(Unmeasured, match=r"memory did not suffice"):
        kept.product(vector)


def test_a_product_needs_a_vector_of_the_size_of_the_parameters():
    operator = Probe(network(), mse, pair()).operator()
    assert operator.product([p.detach() for p in operator._point])[0].shape == (4, 3)
    with pytest.raises(InputError, match=r"vector must have 26 numbers, got a Tensor of shape \(3,\)"):
        operator.product(torch.ones(3))
    with pytest.raises(InputError, match=r"pieces must be numbers of batches from 0 to 0, got a list"):
        Probe(network(), mse, pair()).operator(pieces=[1])
    with pytest.raises(
        InputError, match=r"shift must hold one tensor of the same shape for each chosen parameter"
    ):
        Probe(network(), mse, pair()).loss([torch.ones(3)])


def test_memory_of_the_cpu_and_silent_exceptions_have_words():
    assert unmeasured(MemoryError()).status == "oom"
    assert unmeasured(RuntimeError("DefaultCPUAllocator: can't allocate memory")).status == "oom"
    assert str(unmeasured(ValueError())) == "the loss raised ValueError: no message"
    written_out = TypeError("Net(\n  (0): Linear()\n) argument after ** must be a mapping, not Tensor")
    assert str(unmeasured(written_out)) == (
        "the loss raised TypeError: argument after ** must be a mapping, not Tensor"
    )


def test_without_torch_the_sentence_names_the_extra(monkeypatch):
    monkeypatch.setitem(sys.modules, "torch", None)
    with pytest.raises(Unavailable, match=r"PyTorch is not installed; pip install 'stepscape\[torch\]'"):
        sharpness(network, mse, pair)


def searched(**given):
    operator = Probe(network(), mse, pair()).operator()
    return follow(**{"operator": operator, "track": Track(), "max_products": 3} | given)


def scaled(**given):
    model = network()
    optimizer = torch.optim.SGD(model.parameters(), lr=0.1)
    return preconditioned(**{"probe": Probe(model, mse, pair()), "optimizer": optimizer} | given)


def ruled(**given):
    model = network()
    optimizer = torch.optim.SGD(model.parameters(), lr=0.1)
    return threshold_of(**{"optimizer": optimizer, "parameter": model[0].weight} | given)


def watched(clip_coefficient=None, **given):
    model = network()
    optimizer = torch.optim.SGD(model.parameters(), lr=0.1)
    Monitor(model, mse, pair(), optimizer, **given).step(0, clip_coefficient)


def penalized(**given):
    model = network()
    return trace_penalty(**{"loss": mse(model, pair()), "parameters": list(model.parameters())} | given)


PLACES = {
    "operator": (searched, torch.eye(2), r"operator must be an operator, with size, device, dtype and a"),
    "track": (searched, 3, r"track must be a Track, got an int"),
    "start": (
        lambda start: largest(Probe(network(), mse, pair()).operator(), start), [1.0],
        r"start must be a tensor of shape \(26,\), got a list",
    ),
    "probe": (scaled, network(), r"probe must be a Probe, got a Sequential"),
    "hessian": (scaled, torch.eye(2), r"hessian must be an operator, with size, device, dtype and a method"),
    "parameter": (ruled, "weight", r"parameter must be a parameter of the model, got 'weight'"),
    "preconditioner": (ruled, 2.0, r"preconditioner must be a function of the optimizer and a parameter"),
    "loss_batches": (
        lambda loss_batches: batch_sharpness(network(), mse, loss_batches), pair(),
        r"batches must be a list of batches, got a tuple of tensors, which is one batch; give "
        r"list\(itertools",
    ),
    "batches": (watched, 3, r"batches must be a list of batches, got 3; give list\(itertools\.islice\(load"),
    "layers": (watched, ["9"], r"unknown layer '9'; known: 0, 1, 2"),
    "toleranse": (watched, 1, r"unknown setting 'toleranse'; did you mean 'tolerance'\? known: measure, "
                              r"blocks"),
    "blocks": (watched, {"a": ["9.*"]}, r"blocks\['a'\] must match names of .* got \['9\.\*'\]"),
    "rule": (lambda rule: watched(preconditioner=rule), 3, r"preconditioner must be a function of the "
                                                           r"optimiz"),
    "direction": (
        lambda direction: critical_step_size(network(), mse, pair(), direction), "grad",
        r"direction must be a dict or a list of tensors, got 'grad'",
    ),
    "sinks": (watched, None, r"sinks must be a list, got None"),
    "budget": (watched, 5, r"budget must lie strictly between 0 and 1, got 5"),
    "clip_coefficient": (watched, 1.5, r"clip_coefficient must be at least 0 and at most 1, got 1\.5"),
    "parameters": (penalized, torch.ones(2), r"parameters must hold some that require gradients, got none"),
    "generator": (penalized, 3, r"generator must be a Generator, got an int"),
    "line": (Row.from_line, 3, r"line must be text or bytes, got 3"),
}  # fmt: skip


@pytest.mark.parametrize("name", PLACES)
def test_an_object_in_the_wrong_place_is_refused(name):
    call, wrong, sentence = PLACES[name]
    with pytest.raises(InputError, match=sentence):
        call(**{name: wrong})


def test_a_rule_of_the_user_that_fails_is_blamed():
    with pytest.raises(Unmeasured, match=r"preconditioner raised ZeroDivisionError: division by zero"):
        ruled(preconditioner=lambda *_: 1 / 0)


def test_minibatches_may_come_one_by_one():
    model = network()
    optimizer = torch.optim.SGD(model.parameters(), lr=0.1)
    row = Monitor(model, mse, pair(), optimizer, every=1, batches=iter([pair(), pair()])).step(0)
    assert row.batch_sharpness is not None


def test_objects_in_a_list_are_looked_at():
    with pytest.raises(InputError, match=r"parameters must be tensors, got a list"):
        penalized(parameters=[1.0])
    with pytest.raises(InputError, match=r"weights must be a list of numbers, got 3"):
        Probe(network(), mse, pair(), weights=3)


def test_a_clip_coefficient_is_a_number_or_a_tensor():
    watched(torch.tensor(0.5))
    with pytest.raises(InputError, match=r"clip_coefficient must be at least 0 and at most 1, got -0\.5"):
        watched(-0.5)
