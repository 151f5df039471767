"""Estimators of series in which some columns follow from others."""

from pathlib import Path
from typing import Any, Self

from cellwright.data.series import SeriesTable, cut_series
from cellwright.data.splits import Given
from cellwright.sklearn.estimator import Estimator, refusing
from cellwright.sklearn.inputs import splits_of
from cellwright.tasks.series.covariates import arranged, until_targets
from cellwright.tasks.series.files import as_learned


class PanelEstimator(Estimator):
    """What learns from series whose columns are targets and covariates."""

    def _learn_panel(
        self, table: SeriesTable, named: dict[str, Any], share: float, *, go_on: bool, limits: dict[str, Any] | None
    ) -> Self:
        """Train on series of which the last steps, `share` of each, choose the epoch.

        named: which columns are what, as options; `go_on`, `limits` as in `_train`. Raises Refused.
        """
        with refusing(self):
            if go_on:
                known = self._predictor.run.config
                table = until_targets(as_learned(table, known.channels, known.model.roles, None))
            else:
                config: Any = self._config(Path(), named, go_on=False)
                table = arranged(table, config)
            cut = cut_series(table, validation=share, test=0.0)
        splits = splits_of(*(cut[split] for split in cut))
        splits.notes += table.notes
        return self._train(Given(splits), go_on=go_on, limits={**named, **(limits or {})})
