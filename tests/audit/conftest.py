"""Fixtures of the audit log: linked events, SQL without the triggers."""

from collections.abc import Callable, Iterator

import pytest
from django.db import connection

from freddy_admin.audit.append_only_triggers import (
    append_only_triggers_create,
    append_only_triggers_drop,
)
from freddy_admin.audit.chain import chain_append_missing
from freddy_admin.audit.models import AuditEvent
from freddy_admin.audit.services import Actor, OrganisationRef, audit_event_record
from freddy_admin.audit.tags import AuditTag

SqlRunner = Callable[..., None]


@pytest.fixture
def chained_events(db: None) -> list[AuditEvent]:
    """Six events, appended to the chain."""
    events = [
        audit_event_record(
            tag=AuditTag.KEY_PAUSED,
            actor=Actor(name="Ada", id=7, address="192.0.2.1"),
            organisation=OrganisationRef(1, "Acme"),
            subject=f"Key {number}",
            number=number,
        )
        for number in range(1, 7)
    ]
    chain_append_missing()
    return events


@pytest.fixture
def unguarded_sql(db: None) -> Iterator[SqlRunner]:
    """Runs raw SQL as somebody who has dropped the append-only triggers."""

    def run(sql: str, *values: object) -> None:
        with connection.cursor() as cursor:
            cursor.execute(sql, values)

    append_only_triggers_drop()
    yield run
    append_only_triggers_create()
