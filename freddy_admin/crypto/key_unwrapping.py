"""Unwraps the master keys by KMS once, at the start of a process that opens API keys.

The web process never does. The unwrapped keys live here alone: in no setting, environment or file.
"""

from freddy_admin.crypto.errors import InvalidMasterKey
from freddy_admin.crypto.kms import KmsClient

_unwrapped_keys: tuple[str, ...] = ()


def master_keys_unwrap() -> None:
    """Unwrap ENCRYPTION_KEYS_KMS for this process's ring; does nothing where it is not set.

    Later calls do not call KMS. Raises KmsError, or InvalidMasterKey where ENCRYPTION_PUBLIC_KEY
    does not belong to the first of them: nobody could open what is sealed with it.
    """
    global _unwrapped_keys
    from django.conf import settings

    if not settings.ENCRYPTION_KEYS_KMS or _unwrapped_keys:
        return
    from freddy_admin.crypto.keyring import Keyring

    kms = KmsClient(region=settings.AWS_REGION, endpoint=settings.AWS_KMS_ENDPOINT)
    keys = tuple(kms.unwrap(settings.ENCRYPTION_KEYS_KMS))
    if not Keyring(keys, public_key=settings.ENCRYPTION_PUBLIC_KEY).is_sealing_to_first_private_key:
        raise InvalidMasterKey(
            "ENCRYPTION_PUBLIC_KEY does not belong to the first of ENCRYPTION_KEYS_KMS: take the "
            "two lines that `manage.py wrap_master_key` printed together"
        )
    _unwrapped_keys = keys


def unwrapped_master_keys() -> tuple[str, ...]:
    """The private keys that were unwrapped in this process; empty where none were."""
    return _unwrapped_keys


def unwrapped_master_keys_reset() -> None:
    """Forget the unwrapped keys, for tests."""
    global _unwrapped_keys
    _unwrapped_keys = ()
