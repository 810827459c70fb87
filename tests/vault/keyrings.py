"""Keyrings for tests that replace or lose a master key."""

import base64

from django.conf import settings
from django.test import override_settings

from tests.crypto.master_keys import FIRST, SECOND, public_key_text

__all__ = ["FIRST", "SECOND", "override_keyring", "public_key_text"]

# The master key of the tests' settings.
DEFAULT_KEY: str = base64.urlsafe_b64encode(bytes(range(32))).decode()


def override_keyring(*private: str, public: str = "") -> override_settings:
    """Replace the process's ring inside `with override_keyring(FIRST, DEFAULT_KEY):`."""
    assert settings.configured
    return override_settings(ENCRYPTION_KEYS=list(private), ENCRYPTION_PUBLIC_KEY=public)
