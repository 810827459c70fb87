"""Why something sealed stays shut. No message or attribute ever holds a key or a plain text."""


class CryptoError(Exception):
    """Base of this room's errors."""


class MasterKeyMissing(CryptoError):
    """Sealed to a master key whose private half is not in the ring; `master_key_id` names it."""

    def __init__(self, master_key_id: str) -> None:
        super().__init__(f"the master key {master_key_id} is not in ENCRYPTION_KEYS")
        self.master_key_id = master_key_id


class NoPrivateKeys(CryptoError):
    """This process can seal but holds no private key at all: it opens nothing."""

    def __init__(self) -> None:
        super().__init__("this process has no ENCRYPTION_KEYS and opens nothing")


class CannotOpen(CryptoError):
    """Damaged, cut short, of an unknown format, or sealed for another place."""

    def __init__(self) -> None:
        super().__init__("the sealed bytes cannot be opened")


class UnusableMasterKey(CryptoError):
    """A configured master key that is no X25519 key; the message names the setting."""


class KmsRefused(CryptoError):
    """AWS KMS, or the way to it, did not do what was asked; the message names the setting."""

    def __init__(self, what: str, reason: str = "") -> None:
        super().__init__(f"{what}: {reason}." if reason else what)
