"""A transducer against one that is written with torch.nn, a source at a time."""

from random import Random

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import nn
from torch.nn.functional import cross_entropy

from agreement import assert_agree, double
from cellwright.data.datasets.cipher import KEY, SYMBOLS, draw, encrypt
from cellwright.models.beam import beam_search
from cellwright.models.transducer import Transducer, negative_log_likelihood
from cellwright.models.transducer_architecture import TransducerConfig

V_SOURCE, V_TARGET, E, H = 9, 7, 5, 6
COUNTERPARTS = torch.tensor([1, 1, 4, 2, 1, 6, 4, 3, 1])  # target ids that source ids are copied as; 1: not at all


def transducer(**options):
    torch.manual_seed(0)
    sizes = {"source_vocab_size": V_SOURCE, "target_vocab_size": V_TARGET, "embedding_dim": E, "hidden_size": H}
    model = Transducer(TransducerConfig(**sizes, **options)).eval()
    if model.copying is not None:
        model.copying.counterparts.copy_(COUNTERPARTS)
    with torch.no_grad():
        for parameter in model.parameters():
            parameter.mul_(3)  # so that steps differ by far more than rounding
    return model


def batch(pairs):
    """Pairs of lists of numbers, padded with nonsense where nothing may be read."""
    lengths = [torch.tensor([len(pair[side]) for pair in pairs]) for side in (0, 1)]
    padded = [torch.zeros(len(pairs), max(1, int(n.max())), dtype=torch.int64) for n in lengths]
    for b, pair in enumerate(pairs):
        for side in (0, 1):
            padded[side][b, : len(pair[side])] = torch.tensor(pair[side], dtype=torch.int64)
    return padded[0], lengths[0], padded[1], lengths[1]


def trace_by_hand(source, said, place):
    """Of all symbols that were said, those that stand before a place in the same order, the last the heaviest."""
    pairs = zip(reversed(said), reversed(source[:place]), strict=False)
    return sum(
        0.5**k * (symbol > 1 and int(COUNTERPARTS[number]) == symbol) for k, (symbol, number) in enumerate(pairs)
    )


def by_torch(model, source, target):
    """Logits (len(target) + 1, V) of one pair, by torch.nn's LSTM in float64 with its weights, a step at a time."""
    model = double(model)
    encoder = nn.LSTM(E, H, bidirectional=True).double()
    lower, upper = nn.LSTM(model.lower.input_size, H).double(), nn.LSTM(3 * H, H).double()
    for theirs, ours in ((encoder, model.encoder), (lower, model.lower), (upper, model.upper)):
        theirs.load_state_dict(ours.state_dict())
    read, _ = encoder(model.source_embedding.weight[torch.tensor(source)])  # (S, 2·H)
    x = model.begin(torch.cat([read[-1, :H], read[0, H:]]))
    below, above, fed, logits = None, None, torch.zeros(H).double(), []
    for t, symbol in enumerate([*target, None]):
        given = torch.cat([x, fed]) if model.config.input_feeding else x
        d, below = lower(given[None], below)
        scores = d @ model.attend.key.weight @ read.T  # (1, S)
        if model.copying is not None:
            trace = torch.tensor([trace_by_hand(source, target[:t], s) for s in range(len(source))]).double()
            scores = scores + model.attend.follow.gain(d) * trace
        context = torch.softmax(scores, -1) @ read  # (1, 2·H)
        h, above = upper(torch.cat([d, context], -1), above)
        fed = h[0]
        logits.append(model.dense(h[0]))
        if model.copying is not None:
            ways = [[logit] for logit in logits[-1]]  # to say each symbol
            gain = model.copying.follow.gain(h[0])[0]
            for place, number, run in zip(read, source, trace, strict=True):
                if COUNTERPARTS[number] > 1:
                    ways[COUNTERPARTS[number]].append(h[0] @ model.copying.key.weight @ place + gain * run)
            logits[-1] = torch.stack([torch.stack(each).logsumexp(0) for each in ways])
        x = None if symbol is None else model.target_embedding.weight[symbol]
    return torch.stack(logits)


symbols = st.integers(0, V_SOURCE - 1)
pairs = st.lists(
    st.tuples(st.lists(symbols, min_size=1, max_size=5), st.lists(st.integers(0, V_TARGET - 1), max_size=4)),
    min_size=1,
    max_size=4,
)


@pytest.mark.parametrize("options", [{}, {"input_feeding": True}, {"copying": True}])
@given(rows=pairs)
@settings(max_examples=15)
def test_is_torch_nn_row_by_row(options, rows):
    model = transducer(**options)
    with torch.no_grad():
        logits = model(*batch(rows))
        for row, (source, target) in zip(logits, rows, strict=True):
            assert_agree(row[: len(target) + 1], by_torch(model, source, target))


@pytest.mark.parametrize("cell", ["gru", "slstm", "rnn", "layer-norm-lstm"])
@pytest.mark.parametrize(
    "options",
    [
        {"attention": "additive", "num_layers": 2, "copying": True},
        {"attention": "dot", "bidirectional": False},
    ],
)
def test_a_step_at_a_time_is_the_whole(cell, options):
    model = transducer(cell=cell, **options)
    sources, lengths, targets, target_lengths = batch([([2, 3, 4], [5, 2]), ([7], [3, 3]), ([], [4, 1])])
    with torch.no_grad():
        exact = double(model)
        whole = exact.decode(exact.encode(sources, lengths), targets, target_lengths)
        encoded, said, state = model.encode(sources, lengths), None, None
        for t in range(3):
            step = model.step(encoded, said, state)
            assert_agree(step.logits[:, 0], whole.logits[:, t])
            assert_agree(step.alignment[:, 0], whole.alignment[:, t])
            state = step.state
            if t < 2:
                said = targets[:, t]


def test_forget_gates_begin_with_their_bias():
    sizes = {"source_vocab_size": V_SOURCE, "target_vocab_size": V_TARGET, "embedding_dim": E, "hidden_size": H}
    model = Transducer(TransducerConfig(**sizes, forget_bias=3.0))
    for layer in (model.encoder, model.lower, model.upper):
        assert torch.equal((layer.bias_ih_l0 + layer.bias_hh_l0)[H : 2 * H], torch.full((H,), 3.0))


def test_loss_counts_each_symbol_and_the_end_once():
    logits = torch.randn(3, 4, V_TARGET, dtype=torch.float64, generator=torch.Generator().manual_seed(0))
    targets, lengths = torch.tensor([[3, 2, 5], [4, 0, 0], [0, 0, 0]]), torch.tensor([3, 1, 0])
    for smoothing in (0.0, 0.2):
        expected = [
            cross_entropy(
                logits[b, : n + 1], torch.tensor([*targets[b, :n], 0]), reduction="sum", label_smoothing=smoothing
            )
            for b, n in enumerate(lengths.tolist())
        ]
        assert_agree(negative_log_likelihood(logits, targets, lengths, smoothing), torch.stack(expected))


@pytest.mark.slow
def test_reads_the_cipher_of_the_notes():
    """Trained on 600 messages of its length, it reads every other message, and ERPDRF as SECRET."""
    draw_from, symbols_of = Random(0), {symbol: k for k, symbol in enumerate(SYMBOLS, start=2)}
    messages = [draw(draw_from, 6) for _ in range(700)]
    targets, sources = (
        torch.tensor([[symbols_of[symbol] for symbol in text] for text in texts])
        for texts in ([*messages, "SECRET"], [encrypt(message, KEY) for message in [*messages, "SECRET"]])
    )
    torch.manual_seed(0)
    sizes = {"source_vocab_size": 29, "target_vocab_size": 29, "embedding_dim": 32, "hidden_size": 48}
    model = Transducer(TransducerConfig(**sizes, dropout=0.0))
    optimizer = torch.optim.AdamW(model.parameters(), lr=1e-2, fused=True)
    schedule = torch.optim.lr_scheduler.OneCycleLR(optimizer, 1e-2, total_steps=8 * 38)
    for _ in range(8):
        for rows in torch.randperm(600).split(16):
            lengths = torch.full((len(rows),), 6)
            logits = model(sources[rows], lengths, targets[rows], lengths)
            optimizer.zero_grad()
            (negative_log_likelihood(logits, targets[rows], lengths).sum() / (7 * len(rows))).backward()
            nn.utils.clip_grad_norm_(model.parameters(), 1.0)
            optimizer.step()
            schedule.step()
    unseen = slice(600, None)
    lengths = torch.full((101,), 6)
    found = beam_search(model.eval(), sources[unseen], lengths, 2 * lengths, beam_size=5, n_best=1, length_penalty=0.6)
    assert [answers[0].symbols for answers in found] == targets[unseen].tolist()
