"""Handwritten digits by spikes: a layer of neurons of which each is silent or fires, beside a linear model.

python examples/spiking.py

scikit-learn's digits, 8 × 8 pixels of 0 to 16. In each of STEPS steps a pixel fires, or not, as often as it is dark.
What the neurons (`cellwright cells show recurrent-lif`) fire is counted, and a linear layer reads the digit from the
counts. A spike has no gradient; that of a smooth step stands for it.
"""

import torch
from sklearn.datasets import load_digits
from sklearn.linear_model import LogisticRegression
from sklearn.model_selection import train_test_split
from torch import Tensor, nn

import cellwright

STEPS, NEURONS, BATCH = 20, 128, 64


class Spiking(nn.Module):
    """Spikes in, ten numbers out."""

    def __init__(self, pixels: int) -> None:
        super().__init__()
        self.neurons = cellwright.Recurrent("recurrent-lif", pixels, NEURONS)
        self.read = nn.Linear(NEURONS, 10)

    def forward(self, pixels: Tensor) -> tuple[Tensor, Tensor]:
        """(B, pixels) of 0 to 1 -> logits (B, 10), and how often each neuron fired, a step (B, NEURONS)."""
        fired = torch.bernoulli(pixels.expand(STEPS, -1, -1))
        rates = self.neurons(fired)[0].mean(0)
        return self.read(rates), rates


def train(model: Spiking, pixels: Tensor, digits: Tensor, epochs: int) -> None:
    """Adam on batches in an order that each epoch draws."""
    optimizer = torch.optim.Adam(model.parameters(), lr=0.003)
    for _ in range(epochs):
        for rows in torch.randperm(len(pixels)).split(BATCH):
            loss = nn.functional.cross_entropy(model(pixels[rows])[0], digits[rows])
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()


def main(epochs: int = 40) -> float:
    """Train, and print the accuracy on digits that were left out beside that of a linear model of the pixels."""
    torch.manual_seed(0)
    pixels, digits = load_digits(return_X_y=True)
    seen, unseen, told, true = train_test_split(pixels / 16, digits, test_size=0.25, random_state=0, stratify=digits)
    linear = LogisticRegression(max_iter=1000).fit(seen, told).score(unseen, true)
    model = Spiking(pixels.shape[1])
    train(model, torch.tensor(seen).float(), torch.tensor(told), epochs)
    with torch.no_grad():
        logits, rates = model(torch.tensor(unseen).float())
    accuracy = float((logits.argmax(-1) == torch.tensor(true)).double().mean())
    print(f"{NEURONS} neurons, {STEPS} steps, {rates.mean():.0%} of them fire in a step")
    print(f"test accuracy: {accuracy:.3f}; logistic regression on the pixels themselves: {linear:.3f}")
    return accuracy


if __name__ == "__main__":
    main()
