"""What all tests share: no deadlines in property tests, since machines differ."""

from hypothesis import settings

settings.register_profile("certtrust", deadline=None, print_blob=True)
settings.load_profile("certtrust")
