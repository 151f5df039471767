import pytest
import torch

from cellwright.data.tokenizer import Tokenizer
from cellwright.models.architecture import ClassifierConfig
from cellwright.models.classifier import Classifier
from cellwright.tasks.classify.run import ClassifyRunConfig
from cellwright.tasks.run import save_description, save_weights
from servers import WORDS, Echo


@pytest.fixture
def echo():
    return Echo()


@pytest.fixture(scope="session")
def run(tmp_path_factory):
    """The folder of a run whose answers to different texts differ by far more than rounding."""
    path = tmp_path_factory.mktemp("a run")
    torch.manual_seed(0)
    tokenizer = Tokenizer.train([" ".join(WORDS)], "words", min_frequency=1)
    config = ClassifierConfig(vocab_size=tokenizer.size, classes=3, embedding_dim=8, hidden_size=16)
    model = Classifier(config)
    with torch.no_grad():
        for parameter in model.parameters():
            parameter.mul_(4)
    description = ClassifyRunConfig(
        cellwright="0", labels=["good", "so so", "坏"], model=config, fingerprint="", options={"data": "x"}
    )
    save_description(path, description, {"tokenizer.json": tokenizer.to_json().encode()})
    save_weights(path, model, {})
    return path
