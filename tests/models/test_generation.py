"""Sampling against its definition, and generated text against the model that it is drawn from."""

import itertools

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from pydantic import ValidationError

from agreement import assert_agree
from cellwright.data.tokenizer import Tokenizer
from cellwright.models.generation import distribution, draw, generate, generate_tokens, until
from cellwright.models.language_model import LanguageModel
from cellwright.models.language_model_architecture import LanguageModelConfig
from cellwright.models.sampling import Sampling

TEXT = "to be, or not to be: that is the question"


def setup_of(kind: str = "characters") -> tuple[LanguageModel, Tokenizer]:
    tokenizer = Tokenizer.train([TEXT], kind, min_frequency=1, size=300)
    torch.manual_seed(0)
    model = LanguageModel(LanguageModelConfig(vocab_size=tokenizer.size, embedding_dim=8, hidden_size=8))
    with torch.no_grad():
        model.softmax.dense.bias[0] = -30.0  # an end that does not come
    return model.eval(), tokenizer


def chosen(probabilities: list[float], top_k: int | None, top_p: float) -> list[float]:
    """By the definition, one probability after the other."""
    ranked = sorted(range(len(probabilities)), key=lambda i: -probabilities[i])[:top_k]
    total = sum(probabilities[i] for i in ranked)
    kept, mass = [], 0.0
    for i in ranked:
        if mass >= top_p:
            break
        kept.append(i)
        mass += probabilities[i] / total
    left = sum(probabilities[i] for i in kept)
    return [probabilities[i] / left if i in kept else 0.0 for i in range(len(probabilities))]


@pytest.mark.parametrize("scale", [1.0, 1e-6])
def test_a_temperature_near_0_takes_the_most_probable_token(scale: float) -> None:
    logarithms = scale * torch.randn(9, dtype=torch.float64, generator=torch.Generator().manual_seed(3)) - 1
    found = distribution(logarithms, Sampling(temperature=1e-320))
    assert found.tolist() == [float(k == logarithms.argmax()) for k in range(9)]


@pytest.mark.parametrize("temperature", [0.5, 1.0, 2.0])
@pytest.mark.parametrize("top_k", [None, 1, 3, 50])
@pytest.mark.parametrize("top_p", [0.05, 0.33, 0.9, 1.0])
def test_the_distribution_is_the_defined_one(temperature: float, top_k: int | None, top_p: float) -> None:
    logarithms = torch.randn(9, dtype=torch.float64, generator=torch.Generator().manual_seed(3)).log_softmax(-1)
    found = distribution(logarithms, Sampling(temperature=temperature, top_k=top_k, top_p=top_p))
    powers = [p ** (1 / temperature) for p in logarithms.exp().tolist()]
    wanted = chosen([p / sum(powers) for p in powers], top_k, top_p)
    assert_agree(found, wanted)


def test_draws_are_as_frequent_as_they_are_probable() -> None:
    logarithms = torch.tensor([0.1, 0.6, 0.2, 0.1]).log()
    draws = torch.Generator().manual_seed(0)
    counts = torch.tensor([draw(logarithms, Sampling(), draws) for _ in range(3000)]).bincount(minlength=4)
    assert counts[1] == 0  # the unknown token, however probable
    assert (counts / 3000).tolist() == pytest.approx([0.25, 0, 0.5, 0.25], abs=0.03)


def test_temperature_0_takes_the_most_probable_token_each_time() -> None:
    model, tokenizer = setup_of()
    prompt = tokenizer.encode(["to"])[0]
    found = list(generate_tokens(model, prompt, Sampling(temperature=0, length=20)))
    told = [0, *prompt]
    for token in found:
        logarithms = model(torch.tensor(told)[:, None])[0][-1, 0]
        logarithms[1] = -torch.inf
        assert token == logarithms.argmax()
        told.append(token)
    assert len(found) == 20


def test_a_seed_gives_the_same_text_again_and_none_another() -> None:
    model, tokenizer = setup_of()

    def text(seed: int | None) -> str:
        return "".join(generate(model, tokenizer, "to be", Sampling(seed=seed, length=40)))

    state = torch.random.get_rng_state()
    assert text(1) == text(1) != text(2)
    assert text(None) != text(None)
    assert torch.equal(torch.random.get_rng_state(), state)


@pytest.mark.parametrize("prompt", ["", "é", "to bé\n"])
def test_an_empty_prompt_and_unknown_characters_are_answered(prompt: str) -> None:
    model, tokenizer = setup_of()
    text = "".join(generate(model, tokenizer, prompt, Sampling(seed=0, length=30)))
    assert len(text) == 30
    assert set(text) <= set(TEXT)


def test_the_mark_ends_the_text() -> None:
    model, tokenizer = setup_of()
    with torch.no_grad():
        model.softmax.dense.bias[0] = 30.0
    assert list(generate(model, tokenizer, "to", Sampling(seed=0))) == []


def test_words_go_on_after_a_space() -> None:
    model, tokenizer = setup_of("words")
    text = "".join(generate(model, tokenizer, "To be", Sampling(seed=0, length=4)))
    assert text.startswith(" ")
    assert len(text.split()) == 4


@settings(max_examples=40)
@given(st.lists(st.integers(2, 257), max_size=40), st.integers(0, 2))
def test_pieces_of_byte_pairs_are_whole_characters_and_together_the_text(numbers: list[int], before: int) -> None:
    tokenizer = Tokenizer.train(["日本語 é"], "bpe", size=258)
    prompt = "日本"[:before]
    prompted = tokenizer.encode([prompt])[0]
    pieces = tokenizer.pieces(after=prompted)
    found = prompt + "".join(pieces(number) for number in numbers)
    whole = tokenizer.decode([*prompted, *numbers])
    assert whole.startswith(found)
    assert set(whole[len(found) :]) <= {"\ufffd"}  # what is not whole yet, or never will be


def test_a_character_of_three_bytes_is_one_piece() -> None:
    tokenizer = Tokenizer.train(["日本語"], "bpe", size=258)
    pieces = tokenizer.pieces()
    assert [pieces(number) for number in tokenizer.encode(["日a"])[0]] == ["", "", "日", "a"]


@settings(max_examples=40)
@given(st.text("ab", max_size=12), st.text("ab", min_size=1, max_size=4), st.data())
def test_until_ends_before_the_stop_text_however_it_is_cut(text: str, stop: str, data: st.DataObject) -> None:
    cuts = sorted(data.draw(st.lists(st.integers(0, len(text)), max_size=5)))
    pieces = [text[a:b] for a, b in itertools.pairwise([0, *cuts, len(text)])]
    found = list(until(stop, iter(pieces)))
    assert "".join(found) == text.split(stop)[0]
    assert all(found)


def test_what_cannot_begin_the_stop_text_is_not_held_back() -> None:
    told = until("end", iter(["abc", "e", "nt", "en", "d", "x"]))
    assert [next(told), next(told), *told] == ["abc", "ent"]


@pytest.mark.parametrize(
    "wrong",
    [
        {"temperature": -1},
        {"temperature": torch.inf},
        {"seed": 2**63},
        {"top_k": 0},
        {"top_p": 0},
        {"top_p": 1.5},
        {"length": -1},
        {"stop": ""},
    ],
)
def test_options_out_of_range_are_refused(wrong: dict[str, object]) -> None:
    with pytest.raises(ValidationError):
        Sampling.model_validate(wrong)
