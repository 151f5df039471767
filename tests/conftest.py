"""What hypothesis does in every test."""

from hypothesis import settings

# No case has a time limit: the first builds kernels, and other programs share the processors.
settings.register_profile("cellwright", deadline=None)
settings.load_profile("cellwright")
