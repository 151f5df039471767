"""Sequence autoencoding: each text gets a short code, and is brought back from it."""

from cellwright.tasks.autoencode.config import AutoencodeConfig
from cellwright.tasks.autoencode.predictor import AutoencodePredictor
from cellwright.tasks.autoencode.run import AutoencodeRunConfig, load
from cellwright.tasks.task import Task
from cellwright.tasks.texts import TOKENIZER

TASK = Task(
    config=AutoencodeConfig,
    run_config=AutoencodeRunConfig,
    load=load,
    predictor=AutoencodePredictor,
    columns=("text",),
    files=(TOKENIZER,),
)
