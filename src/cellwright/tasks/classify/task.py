"""Classification: each text gets a label."""

from cellwright.evaluation.report import CONFUSION
from cellwright.tasks.classify.config import ClassifyConfig, Columns
from cellwright.tasks.classify.predictor import ClassifyPredictor
from cellwright.tasks.classify.run import ClassifyRunConfig, load
from cellwright.tasks.task import Task
from cellwright.tasks.texts import TOKENIZER

TASK = Task(
    config=ClassifyConfig,
    run_config=ClassifyRunConfig,
    load=load,
    predictor=ClassifyPredictor,
    columns=tuple(Columns.model_fields),
    files=(TOKENIZER,),
    pictures=(CONFUSION,),
    right_or_wrong=lambda run: True,
)
