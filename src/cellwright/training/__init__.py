"""Training, on Lightning's Trainer: `fit(ClassifyConfig(data="reviews-zh", out="runs/first"))`.

fit           the whole of `cellwright fit`;  session  one run on the Trainer
plan          how long a run trains, and how patient it is;  schedule  its step size
module        one step;  optimizer, ema, precision    what it is made of;  data  its batches
best_epoch    the weights that are kept;  history  a line an epoch;  curve  its picture;  progress  its bar
interruption, pruning    reasons to stop before the end
checkpointing, checkpoint_io    when checkpoints are written, and how
folder        the run folder before training and after
processes     several of them as one run;  meeting  where they meet
loggers       trackers that follow a run
"""

from cellwright.training.fit import FitResult, fit, fit_rows

__all__ = ["FitResult", "fit", "fit_rows"]
