"""What is said of options, in the names of the parameters that an estimator has for them.

Tasks say `--horizon`, as the command line spells it. Here that is `horizon`, and `horizon=3` where its value follows.
"""

import re
from typing import Any, get_args

from cellwright.tasks import config_of

OBJECTIVES = {
    "classify": "SequenceClassifier",
    "regress": "SequenceRegressor",
    "forecast": "Forecaster",
    "simulate": "Simulator",
}
"""Estimators by the objective of series that they are of."""
OTHERS = {"seed": "random_state"}
"""Parameters that have other names than the options that they set."""

# Not within quotes, where it is a name or a value of the user's.
_OBJECTIVE = re.compile(rf"--objective (is )?({'|'.join(OBJECTIVES)})\b(?: with --targets)?")  # which are y there
_FLAG = re.compile(r"(?<![\w'\"-])--(no-)?([a-z][a-z-]*[a-z])(?: ([\w.]+))?")
_VERB = re.compile(r"[a-z]+s")


def in_parameters(estimator: Any, sentence: str) -> str:
    """The sentence with parameters in place of options; what no parameter sets is said to be so."""
    params = estimator.get_params(deep=False)
    unknown = dict[str, None]()  # in their order, each once

    def spelled(found: re.Match[str]) -> str:
        off, option, following = found.groups()
        name = OTHERS.get(option.replace("-", "_"), option.replace("-", "_"))
        after = f" {following}" if following else ""
        if name not in params:
            unknown[f"--{off or ''}{option}"] = None
            return found[0]
        if off:
            return f"{name}=False{after}"
        if following in {str(params[name]), *_choices(estimator, name)}:
            return f"{name}={following if _is_number(following) else repr(following)}"
        return f"{name}{'' if following and _VERB.fullmatch(following) else '='}{after}"

    told = _FLAG.sub(spelled, _OBJECTIVE.sub(_estimator, sentence))
    if unknown:
        told += (
            f"; {' and '.join(unknown)} {'is' if len(unknown) == 1 else 'are'} for files, on the command line: to the "
            "same end, change what is given to the estimator"
        )
    return told


def _estimator(found: re.Match[str]) -> str:
    return f"{'the estimator is ' if found[1] else ''}{OBJECTIVES[found[2]]}"


def _choices(estimator: Any, name: str) -> set[str]:
    """The words that an option may be."""
    field = config_of(estimator._task).model_fields.get(name)
    kinds = [field.annotation, *get_args(field.annotation)] if field else []
    return {word for kind in kinds for word in (kind, *get_args(kind)) if isinstance(word, str)}


def _is_number(written: str) -> bool:
    return re.fullmatch(r"[\d.]+", written) is not None
