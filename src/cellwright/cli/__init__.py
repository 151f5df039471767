"""The command line: one file a subcommand. What is slow to import, its functions import."""

from cellwright.cli.main import main

__all__ = ["main"]
