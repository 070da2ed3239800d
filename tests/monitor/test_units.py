"""Which units are awake: planted dead and linear units, functions, convolutions and smooth activations."""

from __future__ import annotations

import pytest
import torch
from torch import nn
from torch.nn import functional

from monitor_models import mse, snapshot
from stepscape.errors import InputError
from stepscape.monitor.units import MOST, activity


def planted():
    """Ten units of which 0 to 2 never wake up, 3 is always awake, and the rest follow one input."""
    model = nn.Sequential(nn.Linear(2, 10), nn.ReLU(), nn.Linear(10, 1))
    with torch.no_grad():
        model[0].weight.zero_()
        model[0].weight[4:, 0] = 1.0
        model[0].bias.zero_()
        model[0].bias[:3], model[0].bias[3] = -1.0, 1.0
    return model


def batch(rows=(-2.0, -1.0, 0.0, 3.0)):
    inputs = torch.tensor([[x, 5.0] for x in rows])
    return inputs, torch.zeros(len(rows), 1)


def test_planted_units_are_found_and_nothing_stays_behind():
    model = planted()
    before = snapshot(model)
    found = activity(model, mse, batch())
    assert before == snapshot(model)
    (site,) = found.sites
    assert (site.name, site.kind, site.units, site.dead, site.linear) == ("1", "switch", 10, 3, 1)
    assert site.rates.tolist() == [0.0] * 3 + [1.0] + [0.25] * 6
    assert (found.status, found.samples, found.dead, found.units) == ("measured", 4, 3, 10)


def test_a_unit_is_dead_only_if_it_sleeps_in_all_batches():
    several = [batch((-2.0, -1.0)), batch((3.0, 4.0, -1.0))]
    (site,) = activity(planted(), mse, several).sites
    assert site.rates[4:].tolist() == [0.4] * 6
    assert site.dead == 3


class Functional(nn.Module):
    """Activations that are functions, and not modules."""

    def __init__(self):
        super().__init__()
        self.conv, self.head = nn.Conv2d(1, 3, 3), nn.Linear(3, 1)
        with torch.no_grad():
            self.conv.weight.fill_(1.0)
            self.conv.bias[0] = -1e3

    def forward(self, x):
        return self.head(functional.relu(self.conv(x)).mean(dim=(2, 3)))


def test_functions_are_invisible_until_their_layers_are_named():
    model, images = Functional(), (torch.ones(2, 1, 5, 5), torch.zeros(2, 1))
    blind = activity(model, mse, images)
    assert (blind.sites, blind.status, blind.dead, blind.units) == ((), "no_sites", None, 0)
    assert str(blind) == f"No unit was watched: {blind.reason}."
    assert (
        "functions such as F.relu cannot be seen; give layers=[…] with the layers before them" in blind.reason
    )
    assert blind.reason.endswith(", among 'conv', 'head'")
    named = activity(model, mse, images, layers=["conv"])
    assert (named.dead, named.units, named.sites[0].linear) == (1, 3, 2)
    assert str(named) == "1 of 3 units are never on, over 2 examples."
    with pytest.raises(InputError, match="unknown layer 'conf'; did you mean 'conv'"):
        activity(model, mse, images, layers=["conf"])
    with pytest.raises(InputError, match="layers must be a list of text"):
        activity(model, mse, images, layers="conv")


class Sequence(nn.Module):
    """Three-dimensional outputs: channels of a convolution in time, then features of a layer per position."""

    def __init__(self):
        super().__init__()
        self.conv, self.relu = nn.Conv1d(1, 4, 1), nn.ReLU()
        self.mix, self.recurrent, self.last = nn.Linear(4, 6), nn.GRU(6, 2, batch_first=True), nn.Linear(2, 1)

    def forward(self, x):
        inner = self.relu(self.conv(x[:, None, :]))
        states, _ = self.recurrent(self.relu(self.mix(inner.transpose(1, 2))))
        return self.last(states[:, -1])


def test_units_of_sequences_are_channels_or_features_and_calls_are_told_apart():
    found = activity(Sequence(), mse, (torch.randn(3, 7), torch.zeros(3, 1)), layers=None)
    assert [(site.name, site.units) for site in found.sites] == [("relu", 4), ("relu#2", 6)]
    named = activity(Sequence(), mse, (torch.randn(3, 7), torch.zeros(3, 1)), layers=["recurrent"])
    assert named.sites[0].units == 2


def test_smooth_activations_have_no_dead_units():
    model = nn.Sequential(nn.Linear(2, 3), nn.GELU(), nn.Linear(3, 1))
    with torch.no_grad():
        model[0].weight.zero_()
        model[0].bias[:] = torch.tensor([-9.0, 1.0, 1.0])
    found = activity(model, mse, batch())
    (site,) = found.sites
    assert (site.kind, site.dead, site.linear) == ("smooth", None, None)
    assert str(found) == "All activations are smooth, and their units do not die."
    assert site.rates.tolist() == [0.0, 1.0, 1.0]
    assert found.dead is None


def test_layers_that_the_loss_passes_by_are_said():
    model = nn.Sequential(nn.Linear(2, 3), nn.Linear(3, 1))
    found = activity(model, lambda m, b: m[0](b[0]).mean(), batch(), layers=["1"])
    assert str(found) == (
        "No unit was watched: the named layers were not called; name those that the loss calls."
    )
    many = nn.Sequential(*(nn.Linear(2, 2) for _ in range(MOST + 1)))
    assert activity(many, lambda m, b: m(b[0]).mean(), batch()).reason.endswith("'6', '7', …")


def test_hooks_go_when_the_loss_fails():
    model = planted()
    with pytest.raises(Exception, match="ZeroDivisionError"):
        activity(model, lambda m, b: m(b[0]).sum() / (1 // 0), batch())
    assert all(not m._forward_hooks and not m._forward_pre_hooks for m in model.modules())


def test_a_smooth_activation_is_on_from_a_thousandth():
    model = torch.nn.Sequential(torch.nn.Linear(1, 2, bias=False), torch.nn.ELU())
    with torch.no_grad():
        model[0].weight[:] = torch.tensor([[0.7e-3], [1.5e-3]])
    (site,) = activity(model, lambda m, x: m(x).sum(), torch.ones(1, 1)).sites
    assert site.rates.tolist() == [0.0, 1.0]
