"""Texts longer than a model should read, made shorter: one way a file.

    truncate    keep the head, the tail, or both
    windows     cut into pieces that overlap, at the ends of sentences where possible
    sample      whole sentences drawn at random
    sentences   where sentences end, in Chinese and in English
    graphemes   where a text may not be cut: within what a reader takes for one character
    tokens      a text and its tokens, and where these may be cut
    cuts        the nearest place where a sequence may be cut

Each works on any sequence, lists of token numbers say, and gives back parts of it: nothing is added, and nothing is
longer than the limit. Import the module that you need. Compressing is learned: `models.autoencoder` does it to windows.
"""
