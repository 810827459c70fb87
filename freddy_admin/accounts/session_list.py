"""Where a person is signed in: listed, signed out, pruned."""

from dataclasses import dataclass
from datetime import datetime

from django.contrib.auth import HASH_SESSION_KEY, SESSION_KEY
from django.contrib.sessions.models import Session
from django.db import transaction
from django.db.models import Exists, OuterRef
from django.utils import timezone
from django.utils.crypto import constant_time_compare
from django.utils.translation import gettext as _

from freddy_admin.accounts.models import User, UserSession
from freddy_admin.accounts.sessions import SessionStore, session_key_hash
from freddy_admin.audit.services import Actor, audit_event_record
from freddy_admin.audit.tags import AuditTag
from freddy_admin.core import clock
from freddy_admin.core.clock_skew import trusted_now
from freddy_admin.core.errors import NotFound


@dataclass(frozen=True, slots=True)
class ActiveSession:
    """One browser in which a person is signed in."""

    id: int
    ip: str
    user_agent: str
    started_at: datetime
    last_seen_at: datetime
    is_current: bool


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


def sessions_delete(*, user: User, keep: str | None = None) -> int:
    """Delete all sessions of `user` but that of the key `keep`; returns how many there were.

    A session names its user inside encrypted data alone, so every session is decrypted: this is
    for the rare case, not for every request.
    """
    user_id = str(user.pk)
    sessions = Session.objects.exclude(session_key=session_key_hash(keep))
    rows = sessions.only("session_key", "session_data").iterator(chunk_size=500)
    decoded = ((row.session_key, SessionStore().decode(row.session_data)) for row in rows)
    key_hashes = [key_hash for key_hash, data in decoded if data.get(SESSION_KEY) == user_id]
    for start in range(0, len(key_hashes), 500):
        Session.objects.filter(session_key__in=key_hashes[start : start + 500]).delete()
    return len(key_hashes)
