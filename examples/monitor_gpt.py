"""A small GPT under Adam: its step size meets its own threshold, which is not that of gradient descent."""

import torch

from stepscape.monitor import Monitor

nn = torch.nn
TEXT = "the step size decides which minimum gradient descent finds and how sharp the loss is there; "
LETTERS, LENGTH, WIDTH, HEADS = sorted(set(TEXT)), 16, 16, 2
codes = torch.tensor([LETTERS.index(letter) for letter in TEXT + TEXT])
windows = torch.stack([codes[i : i + LENGTH + 1] for i in range(0, len(TEXT), 4)])


class Block(nn.Module):
    """Causal attention and a small network, each after a normalization and beside a shortcut."""

    def __init__(self):
        super().__init__()
        self.before, self.between = nn.LayerNorm(WIDTH), nn.LayerNorm(WIDTH)
        self.heads, self.join = nn.Linear(WIDTH, 3 * WIDTH), nn.Linear(WIDTH, WIDTH)
        self.feed = nn.Sequential(nn.Linear(WIDTH, 4 * WIDTH), nn.GELU(), nn.Linear(4 * WIDTH, WIDTH))

    def forward(self, x):
        """Numbers of all letters, each moved by those before it."""
        rows, length, _ = x.shape
        heads = self.heads(self.before(x)).view(rows, length, 3, HEADS, -1).permute(2, 0, 3, 1, 4)
        seen = nn.functional.scaled_dot_product_attention(*heads, is_causal=True)
        x = x + self.join(seen.transpose(1, 2).reshape(rows, length, WIDTH))
        return x + self.feed(self.between(x))


class GPT(nn.Module):
    """Letters in, scores of the next letter out."""

    def __init__(self):
        super().__init__()
        self.letters, self.places = nn.Embedding(len(LETTERS), WIDTH), nn.Embedding(LENGTH, WIDTH)
        self.body = nn.Sequential(Block(), Block(), nn.LayerNorm(WIDTH), nn.Linear(WIDTH, len(LETTERS)))

    def forward(self, codes):
        """Scores, one for each letter of the alphabet."""
        return self.body(self.letters(codes) + self.places.weight)


def loss(model, windows):
    scores = model(windows[:, :-1])
    return nn.functional.cross_entropy(scores.flatten(0, 1), windows[:, 1:].flatten())


torch.manual_seed(0)
model = GPT()
optimizer = torch.optim.Adam(model.parameters(), lr=0.02)
monitor = Monitor(model, loss, windows, optimizer, every=11)

print("step  loss  edge ratio  λ_max·η/2, as if Adam were gradient descent")
for step in range(122):
    optimizer.zero_grad()
    loss(model, windows).backward()
    optimizer.step()
    row = monitor.step(step)
    if row is not None:
        plain = row.lambda_max * row.step_sizes[0] / 2
        print(f"{step:4d}  {row.loss:4.2f}  {row.edge_ratio:10.2f}  {plain:9.2f}")

print("\n".join(monitor.story()))
