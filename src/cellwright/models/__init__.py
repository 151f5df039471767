"""Models made of recurrent layers, and what a user chooses of each.

    classifier, tagger, language_model, transducer, autoencoder    of texts
    series_classifier, series_regressor, forecaster, simulator, series_autoencoder    of numeric series
    architecture, *_architecture    the options of each, pydantic and no torch: the command line lists them at once
    text_encoding   how a long text becomes the tokens of a model; pieces joins what it was cut into
    pretrained      a classifier that begins from a language model
    embedding, pooling, attention, crf, softmax, dropout    the parts that models share
    copying, following    of a transducer: what is said by pointing at the source, and where it has come to there
    series_input, series_pooled    what models of series share;  process_model  cells that read columns by name
    generation, beam    text from a language model, targets from a transducer;  sampling  the options of the first

A model reads and writes no file: run folders are those of `tasks`.
"""
