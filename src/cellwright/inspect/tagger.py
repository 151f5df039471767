"""What a tagger does on a sentence: the tag of each word, how probable each tag is there, and the sentence's label."""

from __future__ import annotations

import numpy as np
import torch

from cellwright.data.sentences import tokens_of
from cellwright.data.word_segmentation import words_of
from cellwright.data.words import collate_words
from cellwright.inspect.capture import capturing
from cellwright.inspect.recording import Answers, Array, Recording, check_count, percent, pieces
from cellwright.tasks.tag.predictor import Tagged, TagPredictor
from cellwright.tasks.tag.run import TagRun

LONGEST = 100
"""Characters of an answer without a label; the text shows the tags anyway."""
BY_ITSELF = "The probability of each tag of a word."
TOGETHER = (
    "The probability of each tag of a word, whatever the others' are: the marginals of the conditional random field. "
    "The tags chosen are those of the most probable whole."
)


def record(run: TagRun, text: str, reasons: bool = True) -> Recording:
    """The letters of the layers over the words, and the tags. Raises InputError for a text without words, or too many.

    There are no reasons to ask for.
    """
    told = words_of(text, run.lexicon)
    words = [*tokens_of(told)]
    check_count(len(words), "word")
    batch = collate_words(run.lexicon.examples([told]))
    with torch.inference_mode(), capturing([run.model.recurrent]) as captured:
        emissions = run.model(batch).emissions
    (tagged,) = TagPredictor(run).tag([told])
    shares: Array = run.model.probabilities(emissions, batch.lengths)[0].numpy()
    tokens, between = pieces(text, _spans(text, words))
    return Recording(
        run=str(run.path),
        text=text,
        cell=run.model.recurrent.cell,
        answer=_answer(tagged),
        share=tagged.probability,
        prediction=tagged.as_json(),
        step="word",
        tokens=tokens,
        between=between,
        known=np.array([word in run.lexicon for word in words]),
        answers=Answers(
            run.config.tags,
            shares,
            _said(run.config.tags, tagged.tags, shares),
            BY_ITSELF if run.model.crf is None else TOGETHER,
            exclude=True,
        ),
        letters=captured.letters([run.model.recurrent]),
        tags=tagged.tags,
    )


def _spans(text: str, words: list[str]) -> list[tuple[int, int]]:
    """Where in the text each word stands: they follow each other, with nothing but white space between them."""
    found, end = [], 0
    for word in words:
        start = text.index(word, end)
        end = start + len(word)
        found.append((start, end))
    return found


def _answer(tagged: Tagged) -> str:
    """The label; without one the spans, or each word with its tag."""
    if tagged.label is not None:
        return tagged.label
    if tagged.spans is None:
        said = tagged.line("")
    else:
        said = ", ".join(f"{' '.join(span.words)} = {span.kind}" for span in tagged.spans) or "no span"
    return said if len(said) <= LONGEST else said[: LONGEST - 1] + "…"


def _said(names: list[str], tags: list[str], shares: Array) -> list[str]:
    """The tag of each word, and of what is left the most probable one."""
    said = []
    for tag, row in zip(tags, shares, strict=True):
        first, *others = sorted(range(len(names)), key=lambda k: (names[k] != tag, -row[k]))
        second = f"; {names[others[0]]} would be {percent(row[others[0]])}" if others else ""
        said.append(f"tagged {tag}, {percent(row[first])}{second}")
    return said
