"""The run of a language model that nobody trained, for the tests that look at what it does."""

import json

import torch

from cellwright.data.tokenizer import Tokenizer
from cellwright.models.language_model import MARK, LanguageModel
from cellwright.models.language_model_architecture import LanguageModelConfig
from cellwright.tasks.lm.run import LanguageRunConfig, load
from cellwright.tasks.run import save_description, save_weights


def language_run(folder, **options):
    """Of characters; its weights are far from zero, so that no two texts are read alike; it never ends a document."""
    torch.manual_seed(0)
    tokenizer = Tokenizer.train(["the cat sat on the mat.\nthe dog too"], "characters", min_frequency=1)
    config = LanguageModelConfig(
        vocab_size=tokenizer.size, **{"embedding_dim": 6, "hidden_size": 9, "tie_weights": False} | options
    )
    model = LanguageModel(config)
    with torch.no_grad():
        for parameter in model.parameters():
            parameter.mul_(4)
        model.softmax.dense.bias[MARK] = -1e4
    description = LanguageRunConfig(cellwright="0", model=config, fingerprint="", options={"data": "x"})
    files = {"tokenizer.json": tokenizer.to_json().encode(), "characters.json": json.dumps({"t": 9, "h": 3}).encode()}
    save_description(folder, description, files)
    save_weights(folder, model, {})
    return load(folder, description)
