"""Language model: the next token, told the text so far."""

from cellwright.tasks.lm.config import Columns, LanguageConfig
from cellwright.tasks.lm.predictor import LanguagePredictor
from cellwright.tasks.lm.run import CHARACTERS, LanguageRunConfig, load
from cellwright.tasks.task import Task
from cellwright.tasks.texts import TOKENIZER

TASK = Task(
    config=LanguageConfig,
    run_config=LanguageRunConfig,
    load=load,
    predictor=LanguagePredictor,
    columns=tuple(Columns.model_fields),
    files=(TOKENIZER, CHARACTERS),
    suggestions=(
        'generate {run} --prompt "a beginning" --temperature 0.8',
        'predict {run} "a text to score"    (or a file, or lines on standard input)',
        "evaluate {run} other.txt",
    ),
)
