"""The tagger put together by hand from its parts, and what must hold of any batch."""

import pytest
import torch
from torch.nn.functional import cross_entropy

from agreement import assert_agree, double
from cellwright.data.words import Lexicon, WordBatch, collate_words
from cellwright.models.tagger import Tagger
from cellwright.models.tagger_architecture import TaggerConfig
from cellwright.training.optimizer import make_optimizer

SENTENCES = [["fly", "to", "Boston"], [], ["to", "fly", "to", "Denver", "X"], ["unheard"]]
LEXICON = Lexicon.train(SENTENCES[:3], size=100, min_frequency=1)
SMALL = {"embedding_dim": 6, "char_embedding_dim": 3, "hidden_size": 5}


def made(**options: object) -> Tagger:
    torch.manual_seed(0)
    sizes = {"vocab_size": len(LEXICON.vocabulary) + 2, "alphabet": len(LEXICON.alphabet) + 2, "tags": 4}
    return Tagger(TaggerConfig(**{**SMALL, **sizes, **options})).eval()


def batch_of(sentences: list[list[str]]) -> WordBatch:
    tags = [[len(word) % 4 for word in words] for words in sentences]
    return collate_words(LEXICON.examples(sentences, tags, [0] * len(sentences)))


@pytest.mark.parametrize("cell", ["lstm", "gru", "peephole", "sru"])
def test_each_sentence_by_itself_and_from_the_parts_by_hand(cell: str) -> None:
    model = made(cell=cell, num_layers=2, classes=3)
    output, parts = model(batch_of(SENTENCES)), double(model)
    assert output.logits is not None
    for row, words in enumerate(SENTENCES):
        if not words:
            assert_agree(output.logits[row], parts.classify.bias)
            continue
        spelled = []
        for word in words:
            characters = parts.spelling.embedding(torch.tensor([LEXICON.spelling(word)]))
            read, _ = parts.spelling.recurrent(characters)
            spelled.append(torch.cat([read[0, -1, :3], read[0, 0, 3:]]))
        embedded = torch.cat([parts.embedding(torch.tensor(LEXICON.words(words))), torch.stack(spelled)], -1)
        read, _ = parts.recurrent(embedded[None])
        assert_agree(output.emissions[row, : len(words)], parts.dense(read[0]))
        assert_agree(output.logits[row], parts.classify(read[0].amax(0)))


def test_without_a_crf_tags_are_chosen_one_by_one() -> None:
    model = made(crf=False)
    batch = batch_of(SENTENCES)
    emissions, logits = model(batch)
    assert logits is None
    found = model.log_likelihood(emissions, batch.tags, batch.lengths)
    for row, words in enumerate(SENTENCES):
        own = (double(emissions[row, : len(words)]), batch.tags[row, : len(words)])
        assert_agree(found[row], -cross_entropy(*own, reduction="sum"))
    assert torch.equal(model.decode(emissions, batch.lengths), emissions.argmax(-1))


def test_with_a_crf_its_scores_decide() -> None:
    model = made()
    with torch.no_grad():
        model.crf.transitions.fill_(-100.0)
        model.crf.transitions.fill_diagonal_(0.0)  # no tag but the one before
    batch = batch_of(SENTENCES)
    emissions, _ = model(batch)
    best = model.decode(emissions, batch.lengths)
    assert len(set(best[2].tolist())) == 1
    expected = model.crf.log_likelihood(emissions, batch.tags, batch.lengths)
    assert torch.equal(model.log_likelihood(emissions, batch.tags, batch.lengths), expected)


@pytest.mark.parametrize("characters", [0, 3])
def test_every_parameter_is_trained(characters: int) -> None:
    model = made(char_embedding_dim=characters, classes=2)
    batch = batch_of(SENTENCES)
    emissions, logits = model(batch)
    loss = cross_entropy(logits, batch.labels) - model.log_likelihood(emissions, batch.tags, batch.lengths).sum()
    loss.backward()
    assert all(parameter.grad is not None and parameter.grad.any() for parameter in model.parameters())


def test_a_batch_without_words() -> None:
    model = made(classes=2)
    batch = batch_of([[], []])
    emissions, logits = model(batch)
    assert logits is not None
    assert model.log_likelihood(emissions, batch.tags, batch.lengths).tolist() == [0, 0]
    assert model.decode(emissions, batch.lengths).shape == (2, 1)


def test_it_learns_what_only_characters_and_neighbours_tell() -> None:
    """Unseen words in capitals are X; what follows "to" is Y."""
    words = ["ab", "AB", "ba", "BA", "aab", "ABB", "bba", "BBA"]
    sentences = [[first, "to", second] for first in words for second in words]
    tags = [[int(first.isupper()), 2, 3] for first, _, _ in sentences]
    lexicon = Lexicon.train(sentences, size=3, min_frequency=1)  # "to" alone is a known word
    torch.manual_seed(0)
    sizes = {"vocab_size": 3, "alphabet": len(lexicon.alphabet) + 2, "tags": 4}
    model = Tagger(TaggerConfig(**{**SMALL, **sizes, "embedding_dropout": 0.0, "dropout": 0.0}))
    batch = collate_words(lexicon.examples(sentences, tags))
    optimizer = make_optimizer(model, 0.05, 0.0)
    for _ in range(40):
        optimizer.zero_grad()
        (-model.log_likelihood(model(batch).emissions, batch.tags, batch.lengths).mean()).backward()
        optimizer.step()
    other = collate_words(lexicon.examples([["BBB", "to", "a"], ["aaa"]]))
    assert model.decode(model(other).emissions, other.lengths).tolist() == [[1, 2, 3], [0, 0, 0]]
