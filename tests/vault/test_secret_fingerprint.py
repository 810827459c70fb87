"""A fingerprint finds the same secret again and nothing more."""

from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from freddy_admin.vault.sealing import secret_fingerprint

# ASCII, as real keys are; it also spares hypothesis its table of all characters.
SECRETS = st.text("abcXYZ019_-.~!", max_size=80)


def test_the_same_secret_has_the_same_fingerprint() -> None:
    assert secret_fingerprint("ak_1") == secret_fingerprint("ak_1")


def test_another_secret_key_gives_another_fingerprint(settings: Any) -> None:
    fingerprint = secret_fingerprint("ak_1")
    settings.SECRET_KEY = "t" * 40
    assert secret_fingerprint("ak_1") != fingerprint


@given(secret=SECRETS, other_secret=SECRETS)
def test_two_secrets_share_no_fingerprint(secret: str, other_secret: str) -> None:
    is_equal = secret_fingerprint(secret) == secret_fingerprint(other_secret)
    assert is_equal is (secret == other_secret)


def test_a_fingerprint_is_64_hexadecimal_digits_without_the_secret() -> None:
    digest = secret_fingerprint("abcdef0123456789")
    assert len(digest) == 64
    assert set(digest) <= set("0123456789abcdef")
    assert "abcdef01" not in digest


def test_a_secret_with_a_lone_surrogate_raises_no_error() -> None:
    assert len(secret_fingerprint("ak_\udc80")) == 64
