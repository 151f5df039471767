"""The numbers that every vocabulary begins with: of texts, of words and of the characters that spell them."""

PADDING = 0
"""Stands beyond the end of a sequence."""
UNKNOWN = 1
"""Stands for what training did not see, or not often enough."""
KNOWN = 2
"""The first of those that stand for something; from here on they are a vocabulary's own."""
