"""How good a model is, and how good a model that knows no order of words would be.

predicted = [p.label for p in Predictor.load("runs/first").predict(test.texts)]
compare(test, predicted, train=train, labels=labels)    # of `classification_report`

report        what the scores of a model beside its baselines become: terminal, JSON, pictures
classification_report, tagging, language_model_report, transduction, reconstruction, series_reports    one of each task
metrics, spans, perplexity, edit_distance, series_scores, series_numbers, simulation    scores
majority, baselines, ngrams, series_baselines    what costs nothing
mistakes      the examples that a model is wrong about, the surest first
confusion_matrix, attention_plot    pictures;  fonts  for their labels
"""
