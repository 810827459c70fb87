"""The session engine: rows of Django's table that open nothing for whoever copies them.

The key that the browser holds is stored as a hash, and the session's data is encrypted. Neither
the row nor a statement that looks it up leads back to the cookie, or to what a session holds for
its next step: the link of a new password, an attempt at a provider, an invitation.
"""

import base64
import hashlib
import logging
from typing import Any, Final

from asgiref.sync import sync_to_async
from django.contrib.sessions.backends.base import SessionBase
from django.contrib.sessions.backends.db import SessionStore as DatabaseStore
from django.contrib.sessions.base_session import AbstractBaseSession
from django.contrib.sessions.models import Session
from django.utils import timezone

from freddy_admin.accounts.models import UserSession
from freddy_admin.accounts.secret_key_encryption import (
    SecondFactorUnreadable,
    decrypt_text,
    encrypt_text,
)

log = logging.getLogger(__name__)

PURPOSE: Final = b"freddy-admin: sessions at rest, version 1"
HASH_LENGTH: Final = 40  # what the column takes: 240 bits


def session_key_hash(session_key: str | None) -> str:
    """What is stored of a session's key; empty where there is none.

    Unkeyed, for the key is random (165 bits): nobody finds it by trying, and a SECRET_KEY that is
    replaced loses no session.
    """
    if not session_key:
        return ""
    digest = hashlib.sha256(session_key.encode("utf-8", "surrogatepass")).digest()
    return base64.urlsafe_b64encode(digest).decode()[:HASH_LENGTH]


class SessionStore(DatabaseStore):
    """Sessions by the key of the browser's cookie, which stays in memory.

    Every method takes and gives that key; only rows hold its hash.
    """

    keeps_key = False  # while true, `cycle_key` leaves the key as it is

    def exists(self, session_key: str) -> bool:
        """Whether there is a session with this key, expired or not."""
        return Session.objects.filter(session_key=session_key_hash(session_key)).exists()

    def load(self) -> dict[str, Any]:
        """The session's data; empty, and the key dropped, where there is none."""
        key_hash = session_key_hash(self.session_key)
        row = Session.objects.filter(session_key=key_hash, expire_date__gt=timezone.now()).first()
        if row is None:
            self._session_key = None
            return {}
        return self.decode(row.session_data)

    def create_model_instance(self, data: dict[str, Any]) -> AbstractBaseSession:
        """The row to be written, with the hash in place of the key."""
        row = super().create_model_instance(data)
        row.session_key = session_key_hash(row.session_key)
        return row

    def delete(self, session_key: str | None = None) -> None:
        """Delete the session with this key; without a key, this session."""
        key_hash = session_key_hash(session_key or self.session_key)
        if key_hash:
            Session.objects.filter(session_key=key_hash).delete()

    def cycle_key(self) -> None:
        """Replace the session's key; its `UserSession` row follows the new one."""
        if self.keeps_key:
            return
        former_hash = session_key_hash(self.session_key)
        super().cycle_key()
        if former_hash:
            rows = UserSession.objects.filter(session_key_hash=former_hash)
            rows.update(session_key_hash=session_key_hash(self.session_key))

    def encode(self, session_dict: dict[str, Any]) -> str:
        """The session's data, encrypted with SECRET_KEY."""
        return encrypt_text(self.serializer().dumps(session_dict).decode(), purpose=PURPOSE)

    def decode(self, session_data: bytes | str) -> dict[str, Any]:
        """The decrypted data; empty where neither SECRET_KEY nor a former one opens it."""
        try:
            json_text = decrypt_text(str(session_data), purpose=PURPOSE)
        except SecondFactorUnreadable:
            log.warning("A stored session cannot be opened: it was sealed with another SECRET_KEY.")
            return {}
        return dict(self.serializer().loads(json_text.encode()))

    # Those of `DatabaseStore` would look for the key itself; these call the methods above.
    aexists = SessionBase.aexists
    acreate = SessionBase.acreate
    asave = SessionBase.asave
    aload = SessionBase.aload
    adelete = SessionBase.adelete

    async def acycle_key(self) -> None:
        """Replace the session's key by `cycle_key` in a thread."""
        await sync_to_async(self.cycle_key)()
