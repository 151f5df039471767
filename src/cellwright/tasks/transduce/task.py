"""Transduction: each source, a sequence of symbols, is turned into another sequence."""

from cellwright.evaluation.report import ALIGNMENT
from cellwright.tasks.task import Task
from cellwright.tasks.transduce.config import TransduceConfig
from cellwright.tasks.transduce.predictor import TransducePredictor
from cellwright.tasks.transduce.run import SOURCE, TARGET, TransduceRunConfig, load

TASK = Task(
    config=TransduceConfig,
    run_config=TransduceRunConfig,
    load=load,
    predictor=TransducePredictor,
    columns=("source", "target", "features"),
    files=(SOURCE, TARGET),
    pictures=(ALIGNMENT,),
    decoding="decoding",
    right_or_wrong=lambda run: True,
    example=lambda run: "a text of yours" + (" +FEATURE" if run.config.symbols.features else ""),
)
