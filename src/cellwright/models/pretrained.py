"""A classifier that begins from a language model in both directions (Howard and Ruder 2018, "Universal language model
fine-tuning for text classification"; Peters et al. 2018, "Deep contextualized word representations").

    begin_from(classifier, model)    # its embedding and its first layers, forward and backward
    thaw(classifier, epoch)          # the parts above train from the start, these one by one
"""

from typing import cast

import torch
from torch import nn

from cellwright.models.classifier import Classifier
from cellwright.models.language_model import LanguageModel

REVERSE = "_reverse"


def begin_from(classifier: Classifier, model: LanguageModel) -> None:
    """Give the classifier the model's embedding of tokens and its layers, in place; its pairs stay its own.

    Both have one layer in each direction. Raises RuntimeError, as `load_state_dict` does, where sizes or cell differ.
    """
    classifier.embedding.token.load_state_dict(model.embedding.state_dict())
    with torch.no_grad():
        classifier.embedding.token.weight[0] = 0  # the padding, which was the mark
    # By their names, for a weight that is dropped in training stands under another in the state_dict.
    names = [name for name, _ in classifier.recurrent.named_parameters() if name.endswith("_l0")]
    ways = {"": model.layers, REVERSE: model.backward_layers}
    weights = {f"{n}{suffix}": getattr(layers[0], n) for suffix, layers in ways.items() for n in names}
    classifier.recurrent.load_state_dict({name: cast(nn.Parameter, w).detach() for name, w in weights.items()})


def thaw(classifier: Classifier, parts: int) -> None:
    """Train the layers that were not given, and of those that were this many, from the top: recurrent, embedding."""
    given: list[nn.Module] = [classifier.recurrent, classifier.embedding.token]
    for k, part in enumerate(given):
        part.requires_grad_(k < parts)
