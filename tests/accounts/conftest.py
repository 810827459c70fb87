import base64
import hashlib
import hmac
import struct
import time
from collections.abc import Iterator
from unittest.mock import patch

import pytest
from allauth.mfa.adapter import get_adapter
from allauth.mfa.models import Authenticator
from allauth.mfa.recovery_codes.internal.auth import RecoveryCodes
from allauth.mfa.totp.internal.auth import TOTP
from django.contrib.auth.hashers import MD5PasswordHasher
from django.test import Client

from freddy_admin.accounts.models import User
from freddy_admin.accounts.people import admin_create, person_get_or_create
from freddy_admin.audit.services import Actor

ACTOR = Actor(name="tester")
PASSWORD = "correct-horse-battery"
SECRET = "JBSWY3DPEHPK3PXPJBSWY3DPEHPK3PXP"


@pytest.fixture
def ada(db: None) -> User:
    return person_get_or_create(actor=ACTOR, email="ada@example.org", password=PASSWORD)[0]


@pytest.fixture
def admin(db: None) -> User:
    return admin_create(actor=ACTOR, email="admin@example.org", password=PASSWORD)


@pytest.fixture
def hashed_passwords() -> Iterator[list[str]]:
    """The passwords that were hashed, in order."""
    passwords: list[str] = []
    encode = MD5PasswordHasher.encode

    def recording_encode(self: MD5PasswordHasher, password: str, salt: str) -> str:
        passwords.append(password)
        return encode(self, password, salt)

    with patch.object(MD5PasswordHasher, "encode", recording_encode):
        yield passwords


def sign_in(client: Client, email: str, password: str = PASSWORD, **fields: str):  # type: ignore[no-untyped-def]
    return client.post("/accounts/login/", {"login": email, "password": password, **fields})


def set_up_second_factor(user: User) -> None:
    TOTP.activate(user, SECRET)
    RecoveryCodes.activate(user)


def current_totp_code(secret: str = SECRET) -> str:
    """What an authenticator app would show (RFC 6238), computed without the library."""

    counter = struct.pack(">Q", int(time.time()) // 30)
    digest = hmac.new(base64.b32decode(secret), counter, hashlib.sha1).digest()
    offset = digest[-1] & 15
    number = struct.unpack(">I", digest[offset : offset + 4])[0] & 0x7FFFFFFF
    return f"{number % 1_000_000:06}"


def stored_second_factor_secrets(user: User) -> list[str]:
    rows = Authenticator.objects.filter(user=user)
    return [str(row.data.get("secret") or row.data.get("seed")) for row in rows]


def decrypt_second_factor(encrypted_text: str) -> str:
    return str(get_adapter().decrypt(encrypted_text))
