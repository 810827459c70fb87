"""Rows of every kind that the panel deletes one day, and which of them are gone."""

from datetime import datetime, timedelta

from django.contrib.sessions.models import Session

from freddy_admin.accounts.auth.password_reset import password_reset_request_create
from freddy_admin.accounts.models import PasswordResetRequest, User, UserSession
from freddy_admin.audit.models import AuditEvent
from freddy_admin.audit.services import Actor
from freddy_admin.core import clock
from freddy_admin.core.models import OutboxMessage
from freddy_admin.organisations.invitations import invitation_create
from freddy_admin.organisations.models import Invitation
from freddy_admin.sync.models import CheckRun, HistoryEvent, OperationBatch, RemoteOperation
from freddy_admin.vault.models import ApiKey, ImportDraft, KeyCandidate

ANA = Actor(name="Ana")
DAY, HOUR, MINUTE = timedelta(days=1), timedelta(hours=1), timedelta(minutes=1)
DELETABLE_MODELS = (
    HistoryEvent,
    CheckRun,
    RemoteOperation,
    OperationBatch,
    KeyCandidate,
    ImportDraft,
    Invitation,
    PasswordResetRequest,
    OutboxMessage,
    Session,
    UserSession,
    AuditEvent,
    ApiKey,
)


def create_deletable_rows(key: ApiKey, person: User) -> None:
    """Create rows of each kind that is deleted one day, none of them old enough."""
    organisation = key.organisation
    now = clock.now()
    moments = [now - days * DAY for days in range(1, 390, 5)]
    HistoryEvent.objects.bulk_create(_event(key, moment) for moment in moments)
    CheckRun.objects.bulk_create(_check_run(key, moment) for moment in moments)
    batches = OperationBatch.objects.bulk_create(
        OperationBatch(created_at=moment, created_by="Ana") for moment in moments
    )
    values = {"key_version": 1, "kind": "sync", "state": "done", "requested_by": "Ana"}
    RemoteOperation.objects.bulk_create(
        RemoteOperation(
            organisation=organisation, key=key, batch=batch, requested_at=moment, **values
        )
        for batch, moment in zip(batches, moments, strict=True)
    )
    KeyCandidate.objects.create(
        key=key,
        version=2,
        state="untested",
        created_at=now - DAY,
        tested_at=now - DAY,
    )
    ImportDraft.objects.create(person=person, created_at=now - HOUR)
    invitation_create(organisation=organisation, actor=ANA, email="eve@example.org", role="viewer")
    password_reset_request_create(email=person.email)
    OutboxMessage.objects.update(next_attempt_at=now + MINUTE)
    Session.objects.create(session_key="a" * 32, session_data="", expire_date=now + 14 * DAY)
    UserSession.objects.create(user=person, session_key_hash="a" * 32, ip="127.0.0.1")


def create_event(key: ApiKey, at: datetime) -> HistoryEvent:
    event = _event(key, at)
    event.save()
    return event


def create_check_run(key: ApiKey, at: datetime) -> CheckRun:
    run = _check_run(key, at)
    run.save()
    return run


def _event(key: ApiKey, at: datetime) -> HistoryEvent:
    return HistoryEvent(
        organisation_id=key.organisation_id, key=key, kind="sync_seen", at=at, noticed_at=at
    )


def _check_run(key: ApiKey, at: datetime) -> CheckRun:
    return CheckRun(
        organisation_id=key.organisation_id,
        key=key,
        key_version=1,
        first_at=at - HOUR,
        last_at=at,
        count=3,
        outcome="good",
    )


def stored_ids() -> dict[str, set[object]]:
    return {
        model.__name__: set(model._default_manager.values_list("pk", flat=True))
        for model in DELETABLE_MODELS
    }


def missing_ids(previous_ids: dict[str, set[object]]) -> dict[str, set[object]]:
    current_ids = stored_ids()
    return {
        name: ids - current_ids[name]
        for name, ids in previous_ids.items()
        if ids - current_ids[name]
    }
