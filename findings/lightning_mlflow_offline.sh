#!/bin/sh
# Lightning 2.6.6 with MLflow 3.17.2: MLFlowLogger as it is by default cannot be made.
#
# Without tracking_uri it logs into the folder save_dir, ./mlruns by default, and its docstring's example gives such a
# folder as tracking_uri: so one expects it to log there, offline. This MLflow refuses folders of files unless the
# environment variable MLFLOW_ALLOW_FILE_STORE is true, while Lightning takes any MLflow from 1.0 on: the logger
# raises when it is made. An SQLite file as tracking_uri works.
# Seen, and expected here, non-zero exit otherwise:
#   MLFlowLogger()                              : raises MlflowException
#   MLFlowLogger(save_dir="runs")               : raises MlflowException
#   MLFlowLogger(tracking_uri="file:runs")      : raises MlflowException
#   MLFlowLogger(tracking_uri="sqlite:///r.db") : logged 1.0
set -eu
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/pip" install --quiet --disable-pip-version-check torch==2.13.0 numpy==2.4.6 lightning==2.6.6 \
    mlflow-skinny==3.17.2 sqlalchemy==2.1.9 alembic==1.20.1
cd "$folder"
env -u MLFLOW_ALLOW_FILE_STORE -u MLFLOW_TRACKING_URI venv/bin/python - <<'PYTHON'
import logging

from lightning.pytorch.loggers import MLFlowLogger
from mlflow.exceptions import MlflowException

logging.disable(logging.WARNING)
RAISES = "raises MlflowException"


def outcome(**options) -> str:
    """What comes of one number logged by a logger of these options."""
    try:
        logger = MLFlowLogger(**options)
    except MlflowException as error:
        assert "MLFLOW_ALLOW_FILE_STORE" in str(error), error
        return RAISES
    logger.log_metrics({"loss": 1.0}, step=0)
    return f"logged {logger.experiment.get_run(logger.run_id).data.metrics['loss']}"


EXPECTED = [
    ({}, RAISES),
    ({"save_dir": "runs"}, RAISES),
    ({"tracking_uri": "file:runs"}, RAISES),
    ({"tracking_uri": "sqlite:///r.db"}, "logged 1.0"),
]
for options, expected in EXPECTED:
    found = outcome(**options)
    call = "MLFlowLogger(" + "".join(f'{name}="{value}"' for name, value in options.items()) + ")"
    print(f"{call:<43} : {found}")
    assert found == expected, f"{expected} with these versions"
PYTHON
