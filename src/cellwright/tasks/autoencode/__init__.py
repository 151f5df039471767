"""Compress each text to a short code and bring it back: `fit(AutoencodeConfig(data="news-en", out="runs/code"))`."""

from cellwright.tasks.autoencode.config import AutoencodeConfig

__all__ = ["AutoencodeConfig"]
