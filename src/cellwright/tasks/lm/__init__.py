"""Predict the next token of a text: `fit(LanguageConfig(data="book.txt", out="runs/book"))`."""

from cellwright.tasks.lm.config import LanguageConfig

__all__ = ["LanguageConfig"]
