import pytest
import torch

from cellwright.data.tokenizer import Tokenizer
from cellwright.models.architecture import ClassifierConfig
from cellwright.models.classifier import Classifier
from cellwright.tasks.classify.run import ClassifyRun, ClassifyRunConfig

TEXTS = ["the film was lovely, 很 好 看!", "the music was dull </script> 差"]


@pytest.fixture
def run_of(tmp_path):
    """Make a run with weights far from zero, so that nothing is alike by chance."""

    def make(labels=("bad", "so so", "好"), kind="words", long_text=None, **options):
        torch.manual_seed(0)
        tokenizer = Tokenizer.train(TEXTS, kind, min_frequency=1)
        config = ClassifierConfig(
            vocab_size=tokenizer.size, classes=len(labels), **{"embedding_dim": 5, "hidden_size": 7} | options
        )
        model = Classifier(config).eval()
        with torch.no_grad():
            for parameter in model.parameters():
                parameter.mul_(3)
        read = {"long_text": long_text} if long_text else {}
        description = ClassifyRunConfig(
            cellwright="0", labels=list(labels), model=config, fingerprint="", options={"data": "x"}, **read
        )
        return ClassifyRun(tmp_path, description, model, tokenizer)

    return make


@pytest.fixture
def run(run_of):
    return run_of(num_layers=2)
