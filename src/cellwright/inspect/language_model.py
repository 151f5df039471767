"""What a language model does on a text: each token's surprisal in bits, what is expected next, what units follow.

recording = record(load_run("runs/novel"), "It was a dark")
recording.bits                                 # (T,) of each token
recording.answer, recording.share              # the most probable next token, and how probable it is
found = units_that_follow(load_run("runs/novel"))    # on the run's own validation split
"""

from __future__ import annotations

from collections.abc import Sequence
from itertools import chain
from typing import cast

import numpy as np
import torch
from torch.nn.utils.rnn import pad_sequence

from cellwright.data.documents import pieces_of
from cellwright.data.special_tokens import UNKNOWN
from cellwright.data.table import Table
from cellwright.errors import InputError
from cellwright.inspect.capture import Captured, capturing
from cellwright.inspect.features import features
from cellwright.inspect.probes import Probe, probe
from cellwright.inspect.recording import BATCH_TOKENS, Answers, Array, Recording, percent, pieces, token_name, tokens_of
from cellwright.models.language_model import MARK
from cellwright.nn import Recurrent
from cellwright.nn.states import as_tuple
from cellwright.tasks.lm.data import open_data
from cellwright.tasks.lm.predictor import LanguagePredictor
from cellwright.tasks.lm.prepare import documents
from cellwright.tasks.lm.run import LanguageRun
from cellwright.tasks.splits import own_options
from cellwright.tasks.texts import batches_of

EXPECTED = 6
"""Next tokens that are told."""
PROBED = 20_000
"""Tokens by which units are found: at 512 units of two states, 160 MB."""
LOOKED_AT = 2**20
"""Characters of which those tokens are the first."""
LABELLED = 1024
"""Labelled texts by which a unit is found."""
MEANING = "The probability that a token comes next, of the tokens that are most probable after the whole text."


def record(run: LanguageRun, text: str, reasons: bool = True) -> Recording:
    """The letters of the layers that read from the left, the bits of each token, and the tokens expected next.

    The answers' names are these tokens; their probabilities after each token of the text sum to less than 1. Raises
    InputError for a text without tokens or with too many. There are no reasons to ask for.
    """
    numbers, spans = tokens_of(run.tokenizer, text)
    tokens, between = pieces(text, spans)
    captured, logarithms = _read(run, numbers)
    shares: Array = np.exp(logarithms[1:])  # (T, V): of what follows each token
    best = np.argsort(-shares[-1], kind="stable")[:EXPECTED]
    names = [_name(run, int(token)) for token in best]
    likeliest = [(_name(run, int(row.argmax())), row.max()) for row in shares]
    said = [f"then it expects “{name}”, {percent(share)}" for name, share in likeliest]
    (prediction,) = LanguagePredictor(run).predict([text])
    return Recording(
        run=str(run.path),
        text=text,
        cell=_layers(run)[0].cell,
        answer=names[0],
        share=float(shares[-1, best[0]]),
        prediction=prediction.as_json(),
        lead="next",
        tokens=tokens,
        between=between,
        known=np.array([number != UNKNOWN for number in numbers]),
        answers=Answers(names, shares[:, best], said, MEANING),
        letters=captured.letters(_layers(run), first=1),
        bits=-logarithms[np.arange(len(numbers)), numbers] / np.log(2).astype(np.float32),
    )


def units_that_follow(run: LanguageRun) -> list[Probe]:
    """For each feature of a text the unit that follows it best, on the beginning of the run's validation split.

    Where its texts have one of two labels, such as what a review thinks, the unit that tells the label as well. Raises
    InputError where the texts are no longer there, or none were kept for validation.
    """
    options = own_options(run)
    validation = open_data(options["data"], options)["validation"]
    if not len(validation):
        raise InputError(f"{run.path}: no validation split was kept, on which units are chosen")
    text = _beginning(validation.texts)
    ((numbers, spans),) = run.tokenizer.encode_with_spans([text], as_written=True)
    captured, _ = _read(run, numbers[:PROBED], softmax=False)
    letters = captured.letters(_layers(run), first=1)
    states = {f"layer{e.layer}.{state}": e.values[state] for e in letters for state in _layers(run)[0].cell.states}
    last = np.array([end - 1 for _, end in spans[:PROBED]])  # of each token its last character
    found = probe(states, {name: column[last] for name, column in features(text).items()})
    return sorted([*found, *units_that_tell(run, validation)], key=lambda each: -abs(each.held_out))


def _beginning(texts: Sequence[str]) -> str:
    """The texts, an empty line between them, up to LOOKED_AT characters or a piece of a text more."""
    found, size = list[str](), 0
    for number, parts in enumerate(pieces_of(texts)):
        for piece in chain(["\n\n"] if number else [], parts):
            if size >= LOOKED_AT:
                return "".join(found)
            found.append(piece)
            size += len(piece)
    return "".join(found)


def units_that_tell(run: LanguageRun, labelled: Table) -> list[Probe]:
    """The unit whose state after the last token tells best which of two labels a text has; none for other labels.

    Radford, Jozefowicz and Sutskever 2017, "Learning to generate reviews and discovering sentiment", found one.
    """
    names = sorted(set(labelled.labels or []))
    if len(names) != 2:
        return []
    # A file may have all texts of one label first.
    chosen = np.random.default_rng(0).permutation(len(labelled.texts))[:LABELLED]
    texts, labels = ([column[i] for i in chosen] for column in (labelled.texts, labelled.labels or []))
    encoded = documents(run.tokenizer, texts)
    ends: dict[str, Array] = {}
    for indices in batches_of([len(each) for each in encoded], BATCH_TOKENS):
        for name, values in _ends(run, [encoded[i] for i in indices]).items():
            ends.setdefault(name, np.empty((len(texts), values.shape[1]), np.float32))[indices] = values
    return probe(ends, {f"the label {names[1]}, at the end": np.array([label == names[1] for label in labels], float)})


@torch.inference_mode()
def _ends(run: LanguageRun, read: list[torch.Tensor]) -> dict[str, Array]:
    """layer0.c -> (B, H): each state of each layer after the last token of each document."""
    padded = pad_sequence(read)  # (T, B)
    after = run.model.read(padded, lengths=[len(each) for each in read]).state
    cell = _layers(run)[0].cell
    return {
        f"layer{k}.{name}": values[0].numpy()
        for k, states in enumerate(after)
        for name, values in zip(cell.states, as_tuple(states), strict=True)
    }


def _layers(run: LanguageRun) -> list[Recurrent]:
    return cast("list[Recurrent]", list(run.model.layers))


@torch.inference_mode()
def _read(run: LanguageRun, numbers: list[int], softmax: bool = True) -> tuple[Captured, Array]:
    """Read a text's tokens; the logarithms (1 + T, V) are those of the token that follows the mark, and each."""
    with capturing(_layers(run)) as captured:
        read = run.model.read(torch.tensor([[MARK], *([number] for number in numbers)]))
    features = read.features[:, 0] if softmax else read.features[:0, 0]
    return captured, run.model.softmax(features).numpy()


def _name(run: LanguageRun, token: int) -> str:
    return "end of the text" if token == MARK else token_name(run.tokenizer, token)
