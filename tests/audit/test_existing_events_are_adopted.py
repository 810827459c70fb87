"""The migration links what was written before, and can be taken back."""

from importlib import import_module
from types import SimpleNamespace

import pytest
from django.apps import apps
from django.core.management import call_command
from django.db import connection

from freddy_admin.audit.guards import guards_make, guards_missing, guards_remove
from freddy_admin.audit.models import AuditEpoch, AuditEvent, AuditLink
from freddy_admin.audit.services import OPERATOR, audit_record
from freddy_admin.audit.tags import Tag
from freddy_admin.audit.verifying import Wrong, chain_verify

adopt = import_module("freddy_admin.audit.migrations.0003_chain").adopt


@pytest.mark.django_db
def test_events_from_before_are_linked_in_their_order(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(import_module("freddy_admin.audit.migrations.0003_chain"), "BATCH", 3)
    for number in range(8):
        audit_record(tag=Tag.EXPORTED, actor=OPERATOR, subject=str(number), n=1e22, f=2.0)
    guards_remove()
    with connection.cursor() as cursor:
        cursor.execute("UPDATE audit_auditevent SET seal = ''")
    adopt(apps, SimpleNamespace(connection=connection))

    walk, problem = chain_verify()
    assert problem is None
    assert walk.place == 8
    kinds = [(epoch.kind, epoch.first_place) for epoch in AuditEpoch.objects.all()]
    assert kinds == [("adopted", 1), ("begun", 9)]

    event = AuditEvent.objects.get(subject="5")
    with connection.cursor() as cursor:
        cursor.execute("UPDATE audit_auditevent SET tag = 'signed_in' WHERE id = %s", [event.pk])
    problem = chain_verify()[1]
    guards_make()
    assert problem is not None
    assert (problem.wrong, problem.number) == (Wrong.CHANGED, event.pk)


@pytest.mark.django_db(transaction=True)
def test_the_migration_goes_back_and_forth() -> None:
    audit_record(tag=Tag.EXPORTED, actor=OPERATOR, subject="kept")
    call_command("migrate", "audit", "0002", verbosity=0)
    with connection.cursor() as cursor:
        cursor.execute("SELECT subject FROM audit_auditevent")
        assert cursor.fetchall() == [("kept",)]
        cursor.execute("UPDATE audit_auditevent SET subject = 'changed before'")
    call_command("migrate", "audit", verbosity=0)

    assert guards_missing() == []
    assert AuditLink.objects.count() == 1
    assert chain_verify()[1] is None
