"""Settings of the whole suite."""

from hypothesis import settings

# A busy machine makes an example late, which says nothing about the code.
settings.register_profile("suite", deadline=None)
settings.load_profile("suite")
