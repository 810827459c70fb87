"""Where a person is signed in: recorded with their requests, listed, and signed out."""

import logging
import threading
from collections import OrderedDict
from dataclasses import dataclass
from datetime import datetime, timedelta

from django.contrib.auth import HASH_SESSION_KEY, SESSION_KEY, logout
from django.contrib.auth.models import AnonymousUser
from django.contrib.sessions.models import Session
from django.db import DatabaseError, connection, transaction
from django.db.models import Exists, OuterRef
from django.http import HttpRequest
from django.utils import timezone
from django.utils.crypto import constant_time_compare
from django.utils.translation import gettext as _

from freddy_admin.accounts.client_ip import client_ip
from freddy_admin.accounts.deactivation import sessions_delete
from freddy_admin.accounts.models import User, UserSession
from freddy_admin.accounts.session_store import SessionStore, session_key_hash
from freddy_admin.audit.services import Actor, audit_event_record
from freddy_admin.audit.tags import AuditTag
from freddy_admin.core import clock
from freddy_admin.core.clock_skew import trusted_now
from freddy_admin.core.errors import NotFound
from freddy_admin.core.later_of_two_clocks import later_clock_now

log = logging.getLogger(__name__)

RECORD_INTERVAL = timedelta(minutes=5)
IDLE_SECONDS = 86_400
ANONYMOUS_SECONDS = 3_601  # a second more than anybody would choose, to be known again
_EXPIRY_KEY = "_session_expiry"  # Django's name for it
LAST_RECORDED_LIMIT = 10_000
_last_recorded: OrderedDict[str, datetime] = OrderedDict()
_last_recorded_lock = threading.Lock()


@dataclass(frozen=True, slots=True)
class ActiveSession:
    """One browser in which a person is signed in."""

    id: int
    ip: str
    user_agent: str
    started_at: datetime
    last_seen_at: datetime
    is_current: bool


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


def sessions_list(*, user: User, current_key: str | None) -> list[ActiveSession]:
    """Where this person is signed in: the session of `current_key` first, then the latest seen."""
    rows = {row.session_key_hash: row for row in UserSession.objects.filter(user_id=user.pk)}
    live_sessions = Session.objects.filter(session_key__in=list(rows), expire_date__gt=clock.now())
    sessions = [
        ActiveSession(
            id=row.pk,
            ip=row.ip or "",
            user_agent=row.user_agent,
            started_at=row.created_at,
            last_seen_at=row.last_seen_at,
            is_current=row.session_key_hash == session_key_hash(current_key),
        )
        for row in (
            rows[session.session_key]
            for session in live_sessions
            if _is_session_of_user(session, user)
        )
    ]
    return sorted(
        sessions,
        key=lambda session: (
            not session.is_current,
            -session.last_seen_at.timestamp(),
            -session.id,
        ),
    )


@transaction.atomic
def session_sign_out(*, actor: Actor, user: User, session_id: int) -> bool:
    """Sign one browser out at once; whether it was still signed in. Raises NotFound."""
    row = UserSession.objects.filter(user_id=user.pk, pk=session_id).first()
    if row is None:
        raise NotFound(_("You are not signed in there any more."))
    deleted_count, _by_model = Session.objects.filter(session_key=row.session_key_hash).delete()
    row.delete()
    audit_event_record(
        tag=AuditTag.SESSIONS_ENDED, actor=actor, subject=user.email, place_ended=row.ip
    )
    return bool(deleted_count)


@transaction.atomic
def sessions_sign_out_all(*, actor: Actor, user: User, keep: str | None = None) -> int:
    """Sign every browser out at once but that of the session key `keep`; returns how many."""
    deleted_count = sessions_delete(user=user, keep=keep)
    rows = UserSession.objects.filter(user_id=user.pk)
    rows.exclude(session_key_hash=session_key_hash(keep)).delete()
    if deleted_count:
        audit_event_record(
            tag=AuditTag.SESSIONS_ENDED, actor=actor, subject=user.email, number=deleted_count
        )
    return deleted_count


def sessions_prune() -> int:
    """Delete expired sessions and the `UserSession` rows without one; returns how many of those.

    Deletes nothing while the clocks disagree.
    """
    now = trusted_now()
    if now is None:
        return 0
    # Sessions expire by the machine's time, which the demo's fast clock must not use up.
    expired_before = min(now, timezone.now())
    Session.objects.filter(expire_date__lt=expired_before).delete()
    live_sessions = Session.objects.filter(session_key=OuterRef("session_key_hash"))
    deleted_count, _by_model = UserSession.objects.exclude(Exists(live_sessions)).delete()
    return int(deleted_count)


def _is_session_of_user(session: Session, user: User) -> bool:
    data = SessionStore().decode(session.session_data)
    auth_hash = str(data.get(HASH_SESSION_KEY, ""))
    # A session from under a former SECRET_KEY is valid, too, and gets a new hash when it is used.
    valid_hashes = [user.get_session_auth_hash(), *user.get_session_auth_fallback_hash()]
    return data.get(SESSION_KEY) == str(user.pk) and any(
        constant_time_compare(auth_hash, valid_hash) for valid_hash in valid_hashes
    )


def _session_record(
    request: HttpRequest, user: User, key_hash: str, *, is_new: bool = False
) -> None:
    now = clock.now()
    values = {
        "user": user,
        "ip": client_ip(request),
        "user_agent": request.headers.get("user-agent", "").replace("\x00", "")[:200],
        # By the later clock: one that is behind must not make a session look idle afterwards.
        "last_seen_at": later_clock_now(),
    }
    create_values = values | {"created_at": now}
    try:
        with transaction.atomic(savepoint=connection.in_atomic_block):
            UserSession.objects.update_or_create(
                session_key_hash=key_hash,
                defaults=create_values if is_new else values,
                create_defaults=create_values,
            )
    except DatabaseError as error:
        # A database that is full or can only be read must not take the page with it.
        log.warning("A session could not be noted: %s", type(error).__name__)
    with _last_recorded_lock:
        _last_recorded[key_hash] = now
        _last_recorded.move_to_end(key_hash)
        while len(_last_recorded) > LAST_RECORDED_LIMIT:
            _last_recorded.popitem(last=False)
