"""From what a user names as DATA to batches of numbers; knows no model.

    arrays, cache     where rows lie as arrays, in memory or on disk, and never all of them at once
    column, lists, documents, token_rows    texts, lists of words, texts of any length, rows of tokens, as such arrays

    readers/    files: one a format -> Table, Sentences or SeriesTable, which are rows and where each stood
    datasets/   built-in sets: one file a set -> Splits of one of these
    synthetic/  sequences for experiments, made from a seed

    splits      train, validation and test: files of their own or shares, of any kind of rows
    hash_split  which row falls to which share: by a hash, so that no text stands in two splits and none ever moves
    source      DATA -> Splits of texts; of other rows each task's own `data.py`
    position_split      one text cut by position
    table       texts with their labels;  sentences, series, pairs  rows of other kinds, and how they are split
    labels, duplicates, checks, class_sizes    one spelling a label, one row a text, and whether it can be learned from

    tokenizer, words, symbols, word_segmentation, special_tokens    texts <-> numbers
    parts, pieces         texts between blanks, looked at once; texts as a model reads them, in one piece or several
    vectors               word vectors that others have trained
    compatible, unseen    characters and words that training never saw
    scaling     series in units of their deviation
    batches, pair_batches, series_batches, feed    examples of similar length together, epochs as functions of a number
    wording     numbers and lists in sentences

Import the module that you need: this one loads none of them, since tokenizers and pyarrow are slow to load.
"""
