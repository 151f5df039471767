"""Learn from numeric series: `fit(SeriesConfig(data="vowels", out="runs/vowels"))`.

objectives    what is learned, a file each: classify, regress, forecast (frames where channels are 0 or 1), simulate,
              anomaly;  objective_spec  what an objective consists of
objective, predictor    what all of them have in common;  step_quantiles, means    what some have
config, task, data, prepare, evaluate, run    as of every task
files         the splits of DATA;  covariates  which columns are targets;  process  cells that read columns by name
examples      from series to what a model reads;  checks  what can be scored
"""

from cellwright.tasks.series.config import SeriesConfig

__all__ = ["SeriesConfig"]
