"""Rings for tests that replace or lose a master key."""

import base64

from django.conf import settings
from django.test import override_settings

from tests.crypto.keys import FIRST, SECOND, public_of

__all__ = ["FIRST", "SECOND", "public_of", "ring_of"]

# The ring every test starts with, as the tests' settings name it.
PRESENT: str = base64.urlsafe_b64encode(bytes(range(32))).decode()


def ring_of(*private: str, public: str = "") -> override_settings:
    """The process's ring inside the block; `with ring_of(FIRST, PRESENT):`."""
    assert settings.configured
    return override_settings(ENCRYPTION_KEYS=list(private), ENCRYPTION_PUBLIC_KEY=public)
