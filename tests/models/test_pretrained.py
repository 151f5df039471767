"""A classifier begins from a language model: the same numbers in both directions, and parts that thaw one by one."""

import pytest
import torch

from agreement import assert_agree, double
from cellwright.models.architecture import ClassifierConfig
from cellwright.models.classifier import Classifier
from cellwright.models.language_model import LanguageModel
from cellwright.models.language_model_architecture import LanguageModelConfig
from cellwright.models.pretrained import begin_from, thaw

TOKENS, LENGTHS = torch.tensor([[3, 4, 5, 6], [7, 2, 0, 0]]), torch.tensor([4, 2])


def both(cell: str = "lstm", **changes: object) -> tuple[Classifier, LanguageModel]:
    torch.manual_seed(0)
    sizes = {"cell": cell, "vocab_size": 9, "embedding_dim": 5, "hidden_size": 4}
    model = LanguageModel(LanguageModelConfig.model_validate({**sizes, "directions": "both", "weight_drop": 0.1}))
    return Classifier(
        ClassifierConfig.model_validate({**sizes, "classes": 2, "bigram_buckets": 0, **changes})
    ), model.eval()


@pytest.mark.parametrize("cell", ["lstm", "gru", "layer-norm-lstm"])
def test_its_outputs_are_those_of_the_language_model_each_way(cell: str) -> None:
    classifier, model = both(cell)
    begin_from(classifier, model)
    output, _ = classifier.recurrent(classifier.embedding(TOKENS), lengths=LENGTHS)
    model = double(model)
    for row, (tokens, length) in enumerate(zip(TOKENS, LENGTHS, strict=True)):
        text = tokens[:length, None]
        assert_agree(output[row, :length, :4], model.read(text).features[:, 0])
        backward = model.read(text.flip(0), backward=True).features[:, 0].flip(0)
        assert_agree(output[row, :length, 4:], backward)
    assert not classifier.embedding.token.weight[0].any()


def test_parts_thaw_from_the_top() -> None:
    classifier, model = both()
    begin_from(classifier, model)
    for parts, trained in ((0, set()), (1, {"recurrent"}), (2, {"recurrent", "embedding"})):
        thaw(classifier, parts)
        classifier.zero_grad()
        classifier(TOKENS, LENGTHS).square().sum().backward()
        moved = {name.split(".")[0] for name, p in classifier.named_parameters() if p.grad is not None and p.grad.any()}
        assert moved == trained | {"dense"}


@pytest.mark.parametrize("changes", [{"hidden_size": 5}, {"bidirectional": False}, {"num_layers": 2}])
def test_a_classifier_of_another_shape_is_refused(changes: dict[str, object]) -> None:
    with pytest.raises(RuntimeError, match=r"size mismatch|Missing key|Unexpected key"):
        begin_from(*both(**changes))  # type: ignore[arg-type]
