"""The migration of the chain links earlier events, and can be reversed."""

from importlib import import_module
from types import SimpleNamespace

import pytest
from django.apps import apps
from django.core.management import call_command
from django.db import connection

from freddy_admin.audit.append_only_triggers import (
    append_only_triggers_create,
    append_only_triggers_drop,
    append_only_triggers_missing,
)
from freddy_admin.audit.chain_verification import ChainProblemKind, chain_verify
from freddy_admin.audit.models import AuditEpoch, AuditEvent, AuditLink
from freddy_admin.audit.services import OPERATOR, audit_event_record
from freddy_admin.audit.tags import AuditTag

adopt = import_module("freddy_admin.audit.migrations.0003_chain").adopt


@pytest.mark.django_db
def test_the_migration_links_earlier_events_in_their_order(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(import_module("freddy_admin.audit.migrations.0003_chain"), "BATCH", 3)
    for number in range(8):
        audit_event_record(
            tag=AuditTag.EXPORTED, actor=OPERATOR, subject=str(number), n=1e22, f=2.0
        )
    append_only_triggers_drop()
    with connection.cursor() as cursor:
        cursor.execute("UPDATE audit_auditevent SET seal = ''")
    adopt(apps, SimpleNamespace(connection=connection))

    progress, problem = chain_verify()
    assert problem is None
    assert progress.place == 8
    kinds = [(epoch.kind, epoch.first_place) for epoch in AuditEpoch.objects.all()]
    assert kinds == [("adopted", 1), ("begun", 9)]

    event = AuditEvent.objects.get(subject="5")
    with connection.cursor() as cursor:
        cursor.execute("UPDATE audit_auditevent SET tag = 'signed_in' WHERE id = %s", [event.pk])
    problem = chain_verify()[1]
    append_only_triggers_create()
    assert problem is not None
    assert (problem.kind, problem.number) == (ChainProblemKind.CHANGED, event.pk)


@pytest.mark.django_db(transaction=True)
def test_the_migration_can_be_reversed_and_applied_again() -> None:
    audit_event_record(tag=AuditTag.EXPORTED, actor=OPERATOR, subject="kept")
    call_command("migrate", "audit", "0002", verbosity=0)
    with connection.cursor() as cursor:
        cursor.execute("SELECT subject FROM audit_auditevent")
        assert cursor.fetchall() == [("kept",)]
        cursor.execute("UPDATE audit_auditevent SET subject = 'changed before'")
    call_command("migrate", "audit", verbosity=0)

    assert append_only_triggers_missing() == []
    assert AuditLink.objects.count() == 1
    assert chain_verify()[1] is None
