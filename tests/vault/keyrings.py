"""Keyrings for tests that replace or lose a master key."""

import base64

from django.conf import settings
from django.test import override_settings

from freddy_admin.vault.services.reseal import ResealReport
from tests.crypto.master_keys import FIRST, SECOND, public_key_text

__all__ = ["FIRST", "SECOND", "override_keyring", "public_key_text"]

# The master key of the tests' settings.
DEFAULT_KEY: str = base64.urlsafe_b64encode(bytes(range(32))).decode()


def override_keyring(*private: str, public: str = "") -> override_settings:
    """Replace the process's ring inside `with override_keyring(FIRST, DEFAULT_KEY):`."""
    assert settings.configured
    return override_settings(ENCRYPTION_KEYS=list(private), ENCRYPTION_PUBLIC_KEY=public)


def rows_to_reseal(report: ResealReport) -> int:
    """Rows still sealed with former master keys; at 0 those keys can be removed."""
    return sum(use.rows for use in report.usage if not use.is_sealing_key)


def removable_master_key_ids(report: ResealReport) -> tuple[str, ...]:
    """Former master keys of this ring that seal no row any more and can be removed."""
    return tuple(
        use.master_key_id
        for use in report.usage
        if use.is_in_keyring and not use.is_sealing_key and use.rows == 0
    )
