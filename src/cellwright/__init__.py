"""Recurrent layers for PyTorch, each cell written once, as its equations."""

__version__ = "0.1.0"
