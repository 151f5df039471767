"""Text from a language model, token by token: temperature, top-k, top-p, stop texts.

for piece in generate(model, tokenizer, "ROMEO:", Sampling(temperature=0.8, seed=1)):
    print(piece, end="", flush=True)
"""

from collections.abc import Iterator

import torch
from torch import Tensor

from cellwright.data.special_tokens import UNKNOWN
from cellwright.data.tokenizer import Tokenizer
from cellwright.models.language_model import MARK, LanguageModel
from cellwright.models.sampling import Sampling
from cellwright.pauses import pause


def generate(model: LanguageModel, tokenizer: Tokenizer, prompt: str, sampling: Sampling) -> Iterator[str]:
    """Yield what follows the prompt, as it comes, in pieces of whole characters.

    The prompt begins a document; an empty one leaves the beginning to the model too. What the vocabulary lacks is read
    as unknown (`Tokenizer.unknown_parts` tells); it is never written. The text ends where the model says that the
    document does; of a character of which only the first bytes came by then, nothing is written.
    """
    prompted = tokenizer.encode([prompt])[0]
    written = tokenizer.pieces(after=prompted)
    pieces = (written(token) for token in generate_tokens(model, prompted, sampling))
    yield from until(sampling.stop, (piece for piece in pieces if piece))


def generate_tokens(model: LanguageModel, prompt: list[int], sampling: Sampling) -> Iterator[int]:
    """Yield the tokens that follow those of the prompt, without the mark that ends them."""
    draws = torch.Generator()
    if sampling.seed is None:
        draws.seed()
    else:
        draws.manual_seed(sampling.seed)
    stream = model.stream()
    told = [MARK, *prompt]
    for _ in range(sampling.length):
        pause()
        token = draw(stream.feed(told), sampling, draws)
        if token == MARK:
            return
        yield token
        told = [token]


def draw(logarithms: Tensor, sampling: Sampling, draws: torch.Generator) -> int:
    """One token of the distribution (V), given as logarithms, by the options; never the unknown one."""
    logarithms = logarithms.to(torch.float64, copy=True)
    logarithms[UNKNOWN] = -torch.inf
    if sampling.temperature == 0:
        return int(logarithms.argmax())
    probabilities = distribution(logarithms, sampling)
    return int(torch.multinomial(probabilities, 1, generator=draws))


def distribution(logarithms: Tensor, sampling: Sampling) -> Tensor:
    """The probabilities (V) that are drawn by: temperature first, then top-k, then top-p of what is left."""
    below = logarithms - logarithms.max()  # or a temperature near 0 would make all of them infinite
    ordered, tokens = (below / sampling.temperature).softmax(-1).sort(descending=True, stable=True)
    if sampling.top_k is not None:
        ordered[sampling.top_k :] = 0
        ordered /= ordered.sum()
    before = ordered.cumsum(-1) - ordered  # the probability of all that are more probable
    ordered[before >= sampling.top_p] = 0  # the first has nothing before it, so one is always left
    return torch.zeros_like(ordered).scatter_(0, tokens, ordered / ordered.sum())


def until(stop: str | None, pieces: Iterator[str]) -> Iterator[str]:
    """Yield the pieces up to the text `stop`, holding back what may yet turn out to be its beginning."""
    if stop is None:
        yield from pieces
        return
    held = ""
    for piece in pieces:
        held += piece
        if stop in held:
            yield from filter(None, [held[: held.index(stop)]])
            return
        kept = next(n for n in range(min(len(stop) - 1, len(held)), -1, -1) if stop.startswith(held[len(held) - n :]))
        if kept < len(held):
            yield held[: len(held) - kept]
        held = held[len(held) - kept :]
    yield from filter(None, [held])
