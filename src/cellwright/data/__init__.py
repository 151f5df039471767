"""From a file of text to batches of token numbers; knows no model.

    source      what a user names (a file, a built-in set) -> train, validation, test
    readers/    one file a format -> Table
    datasets/   one file a built-in set -> Table
    split       by a hash of the text, so that no text stands in two splits and the splits never change
    checks      is this table one that a classifier can be trained on?
    tokenizer   texts <-> token numbers
    batches     texts of similar length together, under a budget of tokens

Import the module that you need: this one loads none of them, since tokenizers and pyarrow are slow to load.
"""
