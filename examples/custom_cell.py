"""A cell of your own in ten lines, trained on compiled kernels.

    python examples/custom_cell.py

The task: one symbol of a sequence of 10 to 40 random ones is marked; at the end, say which. It takes a memory.
"""

import torch
from torch import Tensor, nn

import cellwright
from cellwright.cells import PER_UNIT, show
from cellwright.cells.language import State, sigmoid, tanh

SYMBOLS, HIDDEN, BATCH = 4, 24, 64


@cellwright.cell(projections="i g o", gates="i o", state="h c", parameters={"fade": PER_UNIT})
def fading(x, u, s, p):
    """A memory that each unit lets fade at a speed of its own, until the input gate renews it."""
    i = sigmoid(x.i + u.i)
    g = tanh(x.g + u.g)
    o = sigmoid(x.o + u.o)
    k = sigmoid(p.fade + 4)
    c = k * (1 - i) * s.c + i * g
    return State(h=o * tanh(c), c=c)


class MarkedSymbol(nn.Module):
    """A recurrent layer of `fading` and a linear one on its last state."""

    def __init__(self) -> None:
        super().__init__()
        self.memory = cellwright.Recurrent(fading, SYMBOLS + 1, HIDDEN)
        self.out = nn.Linear(HIDDEN, SYMBOLS)

    def forward(self, x: Tensor, lengths: Tensor) -> Tensor:
        """(T, B, SYMBOLS + 1), (B,) -> (B, SYMBOLS); h is that of each sequence's own end."""
        _, (h, _) = self.memory(x, lengths=lengths)
        return self.out(h[-1])


def draw() -> tuple[Tensor, Tensor, Tensor]:
    """Sequences (T, B, SYMBOLS + 1), one-hot and the mark, their lengths (B,), and the symbols that are marked (B,)."""
    symbols, lengths = torch.randint(SYMBOLS, (40, BATCH)), torch.randint(10, 41, (BATCH,))
    place = torch.randint(10, (BATCH,))
    x = torch.cat([nn.functional.one_hot(symbols, SYMBOLS), nn.functional.one_hot(place, 40).T[..., None]], -1)
    return x.float(), lengths, symbols[place, torch.arange(BATCH)]


def train(model: MarkedSymbol, steps: int) -> float:
    """Train for `steps` batches; returns the accuracy on a thousand sequences that it has not seen."""
    optimizer = torch.optim.Adam(model.parameters(), lr=0.01)
    for _ in range(steps):
        x, lengths, marked = draw()
        loss = nn.functional.cross_entropy(model(x, lengths), marked)
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
    with torch.no_grad():
        right = [
            (model(x, lengths).argmax(-1) == marked).float().mean()
            for x, lengths, marked in (draw() for _ in range(16))
        ]
    return float(torch.stack(right).mean())


def main(steps: int = 400) -> float:
    """Show the cell, train it, and say how well it remembers."""
    torch.manual_seed(0)
    model = MarkedSymbol()
    x, lengths, _ = draw()
    print(show(fading))
    parameters = sum(weight.numel() for weight in model.memory.parameters())
    print(f"{parameters:,} parameters; {model.memory.explain(x, lengths=lengths)}")
    accuracy = train(model, steps)
    print(f"accuracy {accuracy:.3f} (by chance {1 / SYMBOLS})")
    return accuracy


if __name__ == "__main__":
    main()
