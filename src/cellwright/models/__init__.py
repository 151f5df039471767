"""Models made of recurrent layers, and what a user chooses of each.

    classifier, tagger, language_model, transducer, autoencoder    of texts
    series_classifier, series_regressor, forecaster, series_autoencoder    of numeric series
    *architecture   the options of each, pydantic and no torch: the command line lists them at once
    text_encoding   how a long text becomes the tokens of a model; pieces joins what it was cut into
    embedding, pooling, attention, crf, softmax, dropout    the parts that models share
    generation, beam    text from a language model, targets from a transducer

A model reads and writes no file: run folders are those of `tasks`.
"""
