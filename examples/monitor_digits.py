"""A convolutional network whose step size is too large: the monitor says so, and names one that works."""

from itertools import pairwise

import torch
from sklearn.datasets import load_digits

from stepscape.monitor import Monitor

nn = torch.nn
images, labels = load_digits(return_X_y=True)
batch = (
    torch.tensor(images[:200] / 16.0, dtype=torch.float32).reshape(-1, 1, 8, 8),
    nn.functional.one_hot(torch.tensor(labels[:200]), 10).float(),
)


def loss(model, batch):
    inputs, targets = batch
    return 5.0 * nn.functional.mse_loss(model(inputs), targets)


def train(steps):
    """Descend on the full batch; return the losses."""
    losses = []
    for step in range(steps):
        optimizer.zero_grad()
        value = loss(model, batch)
        value.backward()
        optimizer.step()
        losses.append(value.item())
        monitor.step(step)
    return losses


def report(losses):
    rises = sum(after > before for before, after in pairwise(losses))
    ratios = sorted(row.edge_ratio for row in monitor.rows)
    print(
        f"step size {optimizer.param_groups[0]['lr']:.2g}: the loss rose in {rises} of {len(losses)} steps;"
    )
    print(f"    it is {losses[-1]:.2f}, and the median edge ratio is {ratios[len(ratios) // 2]:.2f}")


torch.manual_seed(0)
model = nn.Sequential(
    nn.Conv2d(1, 8, 3, padding=1), nn.Tanh(), nn.AvgPool2d(2),
    nn.Conv2d(8, 16, 3, padding=1), nn.Tanh(), nn.AvgPool2d(2), nn.Flatten(), nn.Linear(64, 10),
)  # fmt: skip
optimizer = torch.optim.SGD(model.parameters(), lr=0.9)
monitor = Monitor(model, loss, batch, optimizer, every=6)
report(train(60))

suggestion = monitor.suggest()
print("\n".join([*monitor.story(), ""]))

# The same network continues with the step size that was named.
optimizer.param_groups[0]["lr"] = suggestion.step_sizes[0]
monitor = Monitor(model, loss, batch, optimizer, every=6)
report(train(36))
