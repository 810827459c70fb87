"""Where a person is signed in: noted while they look around, listed, and ended."""

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

from freddy_admin.accounts.addresses import client_address
from freddy_admin.accounts.ending import sessions_end
from freddy_admin.accounts.models import User, UserSession
from freddy_admin.accounts.session_store import SessionStore, session_key_hash
from freddy_admin.audit.services import Actor, audit_record
from freddy_admin.audit.tags import Tag
from freddy_admin.core import clock
from freddy_admin.core.clock_guard import deletion_now
from freddy_admin.core.either_clock import latest_now
from freddy_admin.core.errors import NotFound

log = logging.getLogger(__name__)

NOTED_EVERY = timedelta(minutes=5)
IDLE_SECONDS = 86_400
STRANGER_SECONDS = 3_601  # a second more than anybody would choose, to be known again
_EXPIRY = "_session_expiry"  # Django's name for it
REMEMBERED = 10_000
_noted: OrderedDict[str, datetime] = OrderedDict()
_noting = threading.Lock()


@dataclass(frozen=True, slots=True)
class SignedIn:
    """One browser in which a person is signed in."""

    id: int
    address: str
    browser: str
    since: datetime
    seen: datetime
    is_here: bool


def session_of_stranger(request: HttpRequest) -> None:
    """Let what a browser begins without signing in be over in an hour: anybody may begin any."""
    session = request.session
    fresh = session.modified and not session.is_empty()
    if fresh and SESSION_KEY not in session and _EXPIRY not in session:
        session.set_expiry(STRANGER_SECONDS)


def session_begin(request: HttpRequest, user: User) -> None:
    """Note that this person signed in with this browser just now."""
    if request.session.get(_EXPIRY) == STRANGER_SECONDS:
        request.session.set_expiry(None)
    stored = session_key_hash(request.session.session_key)
    if stored:
        _write(request, user, stored, began=True)


def session_seen(request: HttpRequest, user: User) -> bool:
    """Note, every five minutes, that the person is still there; without a query in between.

    False where nothing was heard of this session for a day: it has ended, and the caller signs
    it out. A page that is open and keeps itself up to date is heard of; HEAD writes nothing.
    """
    stored, now = session_key_hash(request.session.session_key), clock.now()
    if not stored:
        return True
    with _noting:
        latest = _noted.get(stored)
    # A clock that was set back must not stop the noting.
    if latest is not None and timedelta(0) <= now - latest < NOTED_EVERY:
        return True
    if _idle(stored, latest_now()):
        return False
    if request.method != "HEAD":
        _write(request, user, stored)
    return True


def session_refuse(request: HttpRequest) -> None:
    """This session is over: the browser is signed out.

    While the clocks disagree its row stays, for it may not be over by the true time.
    """
    if deletion_now() is not None:
        logout(request)
        return
    request.session = type(request.session)()
    request.user = AnonymousUser()


def _idle(stored: str, now: datetime) -> bool:
    rows = UserSession.objects.filter(session_key_hash=stored)
    seen = rows.values_list("last_seen_at", flat=True).first()
    return seen is not None and now - seen >= clock.passing(IDLE_SECONDS)


def sessions_of(*, user: User, here: str | None) -> list[SignedIn]:
    """Where this person is signed in: the session of the key `here` first, then the latest seen."""
    rows = {row.session_key_hash: row for row in UserSession.objects.filter(user_id=user.pk)}
    live = Session.objects.filter(session_key__in=list(rows), expire_date__gt=clock.now())
    found = [
        SignedIn(
            id=row.pk,
            address=row.ip or "",
            browser=row.user_agent,
            since=row.created_at,
            seen=row.last_seen_at,
            is_here=row.session_key_hash == session_key_hash(here),
        )
        for row in (rows[session.session_key] for session in live if _opens(session, user))
    ]
    return sorted(found, key=lambda one: (not one.is_here, -one.seen.timestamp(), -one.id))


@transaction.atomic
def session_end(*, actor: Actor, user: User, session_id: int) -> bool:
    """Sign one browser out at once; whether that was still signed in. Raises NotFound."""
    row = UserSession.objects.filter(user_id=user.pk, pk=session_id).first()
    if row is None:
        raise NotFound(_("You are not signed in there any more."))
    ended, _by_kind = Session.objects.filter(session_key=row.session_key_hash).delete()
    row.delete()
    audit_record(tag=Tag.SESSIONS_ENDED, actor=actor, subject=user.email, place_ended=row.ip)
    return bool(ended)


@transaction.atomic
def sessions_end_all(*, actor: Actor, user: User, keep: str | None = None) -> int:
    """Sign every browser out at once, but for that of the session key `keep`; how many ended."""
    ended = sessions_end(user=user, keep=keep)
    rows = UserSession.objects.filter(user_id=user.pk)
    rows.exclude(session_key_hash=session_key_hash(keep)).delete()
    if ended:
        audit_record(tag=Tag.SESSIONS_ENDED, actor=actor, subject=user.email, number=ended)
    return ended


def sessions_prune() -> int:
    """Forget sessions that are over, and what was noted of them; how many notes that were.

    Nothing while the clocks disagree.
    """
    now = deletion_now()
    if now is None:
        return 0
    # They end by the machine's time, which the demo's fast clock must not use up.
    over = min(now, timezone.now())
    Session.objects.filter(expire_date__lt=over).delete()
    living = Session.objects.filter(session_key=OuterRef("session_key_hash"))
    gone, _by_kind = UserSession.objects.exclude(Exists(living)).delete()
    return int(gone)


def _opens(session: Session, user: User) -> bool:
    content = SessionStore().decode(session.session_data)
    proof = str(content.get(HASH_SESSION_KEY, ""))
    # One that began under a former SECRET_KEY opens, too, and gets a new proof when it is used.
    good = [user.get_session_auth_hash(), *user.get_session_auth_fallback_hash()]
    return content.get(SESSION_KEY) == str(user.pk) and any(
        constant_time_compare(proof, one) for one in good
    )


def _write(request: HttpRequest, user: User, stored: str, *, began: bool = False) -> None:
    now = clock.now()
    values = {
        "user": user,
        "ip": client_address(request),
        "user_agent": request.headers.get("user-agent", "").replace("\x00", "")[:200],
        # By the later clock: one that is behind must not make a session look idle afterwards.
        "last_seen_at": latest_now(),
    }
    first = values | {"created_at": now}
    try:
        with transaction.atomic(savepoint=connection.in_atomic_block):
            UserSession.objects.update_or_create(
                session_key_hash=stored, defaults=first if began else values, create_defaults=first
            )
    except DatabaseError as error:
        # A database that is full or can only be read must not take the page with it.
        log.warning("A session could not be noted: %s", type(error).__name__)
    with _noting:
        _noted[stored] = now
        _noted.move_to_end(stored)
        while len(_noted) > REMEMBERED:
            _noted.popitem(last=False)
