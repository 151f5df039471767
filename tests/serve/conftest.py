import pytest
import torch
from fastapi.testclient import TestClient

from cellwright.data.tokenizer import Tokenizer
from cellwright.models.architecture import ClassifierConfig
from cellwright.models.classifier import Classifier
from cellwright.serve.app import Capabilities, make_app
from cellwright.serve.limits import Limits
from cellwright.serve.load import app_of
from cellwright.tasks.classify.run import ClassifyRunConfig
from cellwright.tasks.run import save_description, save_weights
from servers import WORDS, Echo

LIMITS = Limits(max_length=20, max_batch=3, max_body=400, max_inspected=10, max_generated=5)
CAPABILITIES = Capabilities(
    inspect=lambda text, attributions: {"text": text},
    write=lambda prompt, sampling: [prompt, str(sampling.seed), "." * sampling.length],
)


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


@pytest.fixture(scope="module")
def client(run):
    """A client of a server of the run."""
    with TestClient(app_of(run, Limits())) as made:
        yield made


@pytest.fixture
def narrow(echo):
    """A client of a server that allows little, and echoes."""
    app = make_app(echo, capabilities=CAPABILITIES, limits=LIMITS)
    with TestClient(app, raise_server_exceptions=False) as made:
        yield made
