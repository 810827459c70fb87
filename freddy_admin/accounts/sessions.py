"""Sessions: stored, recorded with the requests that use them, and ended when they expire.

`SessionStore` is the session engine. Its rows of Django's table open nothing for whoever copies
them: the key that the browser holds is stored as a hash, and the session's data is encrypted.
Neither the row nor a statement that looks it up leads back to the cookie, or to what a session
holds for its next step: the link of a new password, an attempt at a provider, an invitation.
Second factors are encrypted with the same functions.
"""

import base64
import hashlib
import logging
import os
import threading
from collections import OrderedDict
from datetime import datetime, timedelta
from functools import lru_cache
from typing import Any, Final

from allauth.account.authentication import get_authentication_records
from asgiref.sync import sync_to_async
from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF
from django.conf import settings
from django.contrib.auth import SESSION_KEY, logout
from django.contrib.auth.models import AnonymousUser
from django.contrib.sessions.backends.base import SessionBase
from django.contrib.sessions.backends.db import SessionStore as DatabaseStore
from django.contrib.sessions.base_session import AbstractBaseSession
from django.contrib.sessions.models import Session
from django.core.exceptions import ValidationError
from django.db import DatabaseError, connection, transaction
from django.http import HttpRequest
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from freddy_admin.accounts.models import User, UserSession
from freddy_admin.audit.services import client_ip
from freddy_admin.core import clock
from freddy_admin.core.clock_skew import later_clock_now, trusted_now

log = logging.getLogger(__name__)

# AES-256-GCM under keys derived from SECRET_KEY, one for each purpose.
ENCRYPTED_PREFIX: Final = "v1."
NONCE_BYTES: Final = 12
SECOND_FACTOR_PURPOSE: Final = b"freddy-admin: second factors at rest, version 1"
SESSION_PURPOSE: Final = b"freddy-admin: sessions at rest, version 1"
HASH_LENGTH: Final = 40  # what the column takes: 240 bits

# Kept in the session: when it began, and of whom it verified a second factor.
SIGNED_IN_AT_KEY: Final = "signed_in_at"
VERIFIED_USER_KEY: Final = "second_factor_of"

RECORD_INTERVAL = timedelta(minutes=5)
IDLE_SECONDS = 86_400
ANONYMOUS_SECONDS = 3_601  # a second more than anybody would choose, to be known again
_EXPIRY_KEY = "_session_expiry"  # Django's name for it
LAST_RECORDED_LIMIT = 10_000
_last_recorded: OrderedDict[str, datetime] = OrderedDict()
_last_recorded_lock = threading.Lock()


class SecondFactorUnreadable(ValidationError):
    """A stored second factor cannot be decrypted: SECRET_KEY was replaced since it was set up."""

    def __init__(self) -> None:
        super().__init__(
            _(
                "Your second factor cannot be read: the panel's SECRET_KEY has changed since it "
                "was set up. Ask whoever runs the panel to put the former key back."
            ),
            code="second_factor_unreadable",
        )


def encrypt_text(text: str, *, purpose: bytes = SECOND_FACTOR_PURPOSE) -> str:
    """`text`, readable only with this SECRET_KEY and for the same purpose."""
    nonce = os.urandom(NONCE_BYTES)
    cipher = _derive_cipher(settings.SECRET_KEY, purpose)
    ciphertext = nonce + cipher.encrypt(nonce, text.encode(), None)
    return ENCRYPTED_PREFIX + base64.b64encode(ciphertext).decode()


def decrypt_text(encrypted_text: str, *, purpose: bytes = SECOND_FACTOR_PURPOSE) -> str:
    """The text; SECRET_KEY_FALLBACKS are tried, too. Raises SecondFactorUnreadable."""
    ciphertext = _decode_ciphertext(encrypted_text)
    for key in [settings.SECRET_KEY, *settings.SECRET_KEY_FALLBACKS]:
        try:
            cipher = _derive_cipher(key, purpose)
            nonce, body = ciphertext[:NONCE_BYTES], ciphertext[NONCE_BYTES:]
            return cipher.decrypt(nonce, body, None).decode()
        except (InvalidTag, ValueError):
            continue
    raise SecondFactorUnreadable from None


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
        return encrypt_text(self.serializer().dumps(session_dict).decode(), purpose=SESSION_PURPOSE)

    def decode(self, session_data: bytes | str) -> dict[str, Any]:
        """The decrypted data; empty where neither SECRET_KEY nor a former one opens it."""
        try:
            json_text = decrypt_text(str(session_data), purpose=SESSION_PURPOSE)
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


def anonymous_session_set_expiry(request: HttpRequest) -> None:
    """Let a session without a person expire in an hour: anybody may begin any number of them."""
    session = request.session
    has_content = session.modified and not session.is_empty()
    if has_content and SESSION_KEY not in session and _EXPIRY_KEY not in session:
        session.set_expiry(ANONYMOUS_SECONDS)


def session_record_sign_in(request: HttpRequest, user: User) -> None:
    """Record that this person signed in with this browser just now."""
    if request.session.get(_EXPIRY_KEY) == ANONYMOUS_SECONDS:
        request.session.set_expiry(None)
    key_hash = session_key_hash(request.session.session_key)
    if key_hash:
        _session_record(request, user, key_hash, is_new=True)


def session_touch(request: HttpRequest, user: User) -> bool:
    """Record at most every `RECORD_INTERVAL` that the session is in use; no query in between.

    False where the session was idle for a day: it has ended, and the caller signs it out. The
    requests of an open page that refreshes itself count as use; HEAD records nothing.
    """
    key_hash, now = session_key_hash(request.session.session_key), clock.now()
    if not key_hash:
        return True
    with _last_recorded_lock:
        recorded_at = _last_recorded.get(key_hash)
    # A clock that was set back must not stop the recording.
    if recorded_at is not None and timedelta(0) <= now - recorded_at < RECORD_INTERVAL:
        return True
    if _is_session_idle(key_hash, later_clock_now()):
        return False
    if request.method != "HEAD":
        _session_record(request, user, key_hash)
    return True


def expired_session_sign_out(request: HttpRequest) -> None:
    """Sign the browser out because its session has expired.

    While the clocks disagree the row stays, for by the true time it may not have expired.
    """
    if trusted_now() is not None:
        logout(request)
        return
    request.session = type(request.session)()
    request.user = AnonymousUser()


def _is_session_idle(key_hash: str, now: datetime) -> bool:
    rows = UserSession.objects.filter(session_key_hash=key_hash)
    last_seen_at = rows.values_list("last_seen_at", flat=True).first()
    return last_seen_at is not None and now - last_seen_at >= clock.real_seconds_to_panel_duration(
        IDLE_SECONDS
    )


def _session_record(
    request: HttpRequest, user: User, key_hash: str, *, is_new: bool = False
) -> None:
    now = clock.now()
    row = UserSession(
        user=user,
        session_key_hash=key_hash,
        ip=client_ip(request),
        user_agent=request.headers.get("user-agent", "").replace("\x00", "")[:200],
        created_at=now,
        # By the later clock: one that is behind must not make a session look idle afterwards.
        last_seen_at=later_clock_now(),
    )
    updated = ["user", "ip", "user_agent", "last_seen_at"]
    try:
        with transaction.atomic(savepoint=connection.in_atomic_block):
            UserSession.objects.bulk_create(
                [row],
                update_conflicts=True,
                unique_fields=["session_key_hash"],
                update_fields=[*updated, "created_at"] if is_new else updated,
            )
    except DatabaseError as error:
        # A database that is full or can only be read must not take the page with it.
        log.warning("A session could not be noted: %s", type(error).__name__)
    with _last_recorded_lock:
        _last_recorded[key_hash] = now
        _last_recorded.move_to_end(key_hash)
        while len(_last_recorded) > LAST_RECORDED_LIMIT:
            _last_recorded.popitem(last=False)


def is_second_factor_verified(request: HttpRequest, user: User) -> bool:
    """Whether this very session verified a second factor, by using it or by setting it up.

    Another session of the person does not count: a thief with the password could wait for it.
    """
    if request.session.get(VERIFIED_USER_KEY) == user.pk:
        return True
    return any(record["method"] == "mfa" for record in get_authentication_records(request, user))


def second_factor_mark_verified(request: HttpRequest, user: User) -> None:
    """Record in the session that the person set up a second factor in it."""
    request.session[VERIFIED_USER_KEY] = user.pk


def _decode_ciphertext(encrypted_text: str) -> bytes:
    if not encrypted_text.startswith(ENCRYPTED_PREFIX):
        return b""
    try:
        return base64.b64decode(encrypted_text.removeprefix(ENCRYPTED_PREFIX), validate=True)
    except ValueError:
        return b""


@lru_cache(maxsize=8)
def _derive_cipher(secret_key: str, purpose: bytes) -> AESGCM:
    derived = HKDF(algorithm=SHA256(), length=32, salt=None, info=purpose)
    return AESGCM(derived.derive(secret_key.encode()))
