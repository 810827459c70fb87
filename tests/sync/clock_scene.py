"""Rows of every kind that the panel deletes one day, and which of them are gone."""

from datetime import datetime, timedelta

from django.contrib.sessions.models import Session

from freddy_admin.accounts.models import ResetWish, User, UserSession
from freddy_admin.accounts.signing_in.resets import reset_ask
from freddy_admin.audit.models import AuditEvent
from freddy_admin.audit.services import Actor
from freddy_admin.core import clock
from freddy_admin.organisations.invitations import invitation_create
from freddy_admin.organisations.models import Invitation
from freddy_admin.sync.models import CheckRun, HistoryEvent, Order, OrderBatch
from freddy_admin.vault.models import ApiKey, ImportDraft, KeyCandidate

ANA = Actor(name="Ana")
DAY, HOUR, MINUTE = timedelta(days=1), timedelta(hours=1), timedelta(minutes=1)
KEPT = (
    HistoryEvent,
    CheckRun,
    Order,
    OrderBatch,
    KeyCandidate,
    ImportDraft,
    Invitation,
    ResetWish,
    Session,
    UserSession,
    AuditEvent,
    ApiKey,
)


def fill(watched: ApiKey, person: User) -> None:
    """Something of each kind that is deleted one day, none of it old enough."""
    organisation = watched.organisation
    now = clock.now()
    for days in range(1, 390, 5):
        event(watched, now - days * DAY)
        run_of(watched, now - days * DAY)
        values = {"key_version": 1, "kind": "sync", "state": "done", "requested_by": "Ana"}
        batch = OrderBatch.objects.create(created_at=now - days * DAY, created_by="Ana")
        at = now - days * DAY
        Order.objects.create(
            organisation=organisation, key=watched, batch=batch, requested_at=at, **values
        )
    KeyCandidate.objects.create(
        key=watched,
        version=2,
        state="untested",
        created_at=now - DAY,
        tested_at=now - DAY,
    )
    ImportDraft.objects.create(person=person, created_at=now - HOUR)
    invitation_create(organisation=organisation, actor=ANA, email="eve@example.org", role="viewer")
    reset_ask(email=person.email)
    ResetWish.objects.update(next_attempt_at=now + MINUTE)
    Session.objects.create(session_key="a" * 32, session_data="", expire_date=now + 14 * DAY)
    UserSession.objects.create(user=person, session_key_hash="a" * 32, ip="127.0.0.1")


def event(key: ApiKey, at: datetime) -> HistoryEvent:
    return HistoryEvent.objects.create(
        organisation_id=key.organisation_id, key=key, kind="sync_seen", at=at, noticed_at=at
    )


def run_of(key: ApiKey, at: datetime) -> CheckRun:
    return CheckRun.objects.create(
        organisation_id=key.organisation_id,
        key=key,
        key_version=1,
        first_at=at - HOUR,
        last_at=at,
        count=3,
        outcome="good",
    )


def ids_kept() -> dict[str, set[object]]:
    return {
        model.__name__: set(model._default_manager.values_list("pk", flat=True)) for model in KEPT
    }


def lost_of(before: dict[str, set[object]]) -> dict[str, set[object]]:
    after = ids_kept()
    return {name: ids - after[name] for name, ids in before.items() if ids - after[name]}
