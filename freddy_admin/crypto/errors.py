"""Errors of sealing and opening; no message or attribute ever holds a key or a plain text."""


class CryptoError(Exception):
    """Base of all errors of `crypto`."""


class MasterKeyMissing(CryptoError):
    """The bytes are sealed to a master key whose private half is not in the ring."""

    def __init__(self, master_key_id: str) -> None:
        super().__init__(f"the master key {master_key_id} is not in ENCRYPTION_KEYS")
        self.master_key_id = master_key_id


class PrivateKeysMissing(CryptoError):
    """This process can seal but holds no private key at all, so it opens nothing."""

    def __init__(self) -> None:
        super().__init__("this process has no ENCRYPTION_KEYS and opens nothing")


class DecryptionFailed(CryptoError):
    """The bytes are damaged, cut short, of an unknown format, or sealed for another context."""

    def __init__(self) -> None:
        super().__init__("the sealed bytes cannot be opened")


class InvalidMasterKey(CryptoError):
    """A configured master key that is no X25519 key; the message names the setting."""


class KmsError(CryptoError):
    """AWS KMS refused a call or could not be reached; the message says which and why."""

    def __init__(self, problem: str, reason: str = "") -> None:
        super().__init__(f"{problem}: {reason}." if reason else problem)
