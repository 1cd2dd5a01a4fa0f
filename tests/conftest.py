"""What holds for every test."""

from __future__ import annotations

from hypothesis import settings

# A deadline in milliseconds would test the load of the machine. What failed is printed so that it can be repeated.
settings.register_profile("footlight", deadline=None, print_blob=True)
settings.load_profile("footlight")
