"""Tagging: each word gets a tag, and the sentence a label if asked for."""

from cellwright.tasks.tag.config import Columns, TagConfig
from cellwright.tasks.tag.predictor import TagPredictor
from cellwright.tasks.tag.run import LEXICON, TagRunConfig, load
from cellwright.tasks.task import Task

TASK = Task(
    config=TagConfig,
    run_config=TagRunConfig,
    load=load,
    predictor=TagPredictor,
    columns=tuple(Columns.model_fields),
    files=(LEXICON,),
    right_or_wrong=lambda run: True,
    suggestions=(
        'predict {run} "words of yours"    (or a file, or lines on standard input; --json has the spans)',
        "evaluate {run} other.conll",
    ),
)
