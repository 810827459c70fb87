"""Asks the KMS once, at the start of a process that opens keys; the web process never does.

What came back lives here alone: in no setting, no environment, no file.
"""

from freddy_admin.crypto.errors import UnusableMasterKey
from freddy_admin.crypto.kms import Kms

_unwrapped: tuple[str, ...] = ()


def master_keys_unwrap() -> None:
    """Put the keys of ENCRYPTION_KEYS_KMS into this process's ring; nothing where it is not set.

    Later calls ask nobody. Raises KmsRefused, or UnusableMasterKey where ENCRYPTION_PUBLIC_KEY
    does not belong to the first of them: what is sealed with it nobody could open.
    """
    global _unwrapped
    from django.conf import settings

    if not settings.ENCRYPTION_KEYS_KMS or _unwrapped:
        return
    from freddy_admin.crypto.keyring import Keyring

    kms = Kms(region=settings.AWS_REGION, endpoint=settings.AWS_KMS_ENDPOINT)
    keys = tuple(kms.unwrap(settings.ENCRYPTION_KEYS_KMS))
    if not Keyring(keys, public_key=settings.ENCRYPTION_PUBLIC_KEY).seals_with_first:
        raise UnusableMasterKey(
            "ENCRYPTION_PUBLIC_KEY does not belong to the first of ENCRYPTION_KEYS_KMS: take the "
            "two lines that `manage.py wrap_master_key` printed together"
        )
    _unwrapped = keys


def unwrapped_keys() -> tuple[str, ...]:
    """What was unwrapped in this process; empty where nothing was."""
    return _unwrapped


def unwrapped_forget() -> None:
    """Forget it, for tests."""
    global _unwrapped
    _unwrapped = ()
