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
from freddy_admin.accounts.services import admin_create, person_ensure
from freddy_admin.audit.services import Actor

ACTOR = Actor(name="tester")
PASSWORD = "correct-horse-battery"
SECRET = "JBSWY3DPEHPK3PXPJBSWY3DPEHPK3PXP"


@pytest.fixture
def ada(db: None) -> User:
    return person_ensure(actor=ACTOR, email="ada@example.org", password=PASSWORD)[0]


@pytest.fixture
def admin(db: None) -> User:
    return admin_create(actor=ACTOR, email="admin@example.org", password=PASSWORD)


@pytest.fixture
def hashes() -> Iterator[list[str]]:
    """Every hash that was worked out."""
    made: list[str] = []
    encode = MD5PasswordHasher.encode

    def counted(self: MD5PasswordHasher, password: str, salt: str) -> str:
        made.append(password)
        return encode(self, password, salt)

    with patch.object(MD5PasswordHasher, "encode", counted):
        yield made


def sign_in(client: Client, email: str, password: str = PASSWORD, **more: str):  # type: ignore[no-untyped-def]
    return client.post("/accounts/login/", {"login": email, "password": password, **more})


def set_up_second_factor(user: User) -> None:
    TOTP.activate(user, SECRET)
    RecoveryCodes.activate(user)


def code_now(secret: str = SECRET) -> str:
    """What an authenticator app would show (RFC 6238), worked out without the library."""

    counter = struct.pack(">Q", int(time.time()) // 30)
    digest = hmac.new(base64.b32decode(secret), counter, hashlib.sha1).digest()
    at = digest[-1] & 15
    number = struct.unpack(">I", digest[at : at + 4])[0] & 0x7FFFFFFF
    return f"{number % 1_000_000:06}"


def stored_secrets(user: User) -> list[str]:
    rows = Authenticator.objects.filter(user=user)
    return [str(row.data.get("secret") or row.data.get("seed")) for row in rows]


def opened(sealed: str) -> str:
    return str(get_adapter().decrypt(sealed))
