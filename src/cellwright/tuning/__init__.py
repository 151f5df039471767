"""Which options are better: `search` tries some of them on one file, `compare` lays runs side by side.

options.py     what a search is told beside the options of `fit`
space.py       options of `fit` as one value, a range or choices
study.py       the trials of a search, kept by Optuna in SQLite, and who trains which
searching.py   search: a trial after another, each a run folder
trials.py      what is said of the trials: a row each, study.csv, study.png
comparing.py   compare: scores, options that differ, learning curves
"""
