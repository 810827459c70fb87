"""A log whose chain is hung on as in production: after each commit."""

from collections.abc import Callable, Iterator

import pytest
from django.db import connection

from freddy_admin.audit.chain import chain_catch_up
from freddy_admin.audit.guards import guards_make, guards_remove
from freddy_admin.audit.models import AuditEvent
from freddy_admin.audit.services import Actor, Place, audit_record
from freddy_admin.audit.tags import Tag
from freddy_admin.core import clock
from tests.audit.repeating import Hand

Sql = Callable[..., None]


@pytest.fixture
def hand() -> Iterator[Hand]:
    """A clock that stands still until it is moved."""
    source = Hand()
    with clock.using(source):
        yield source


@pytest.fixture
def chained(db: None) -> list[AuditEvent]:
    """Six events with their links."""
    events = [
        audit_record(
            tag=Tag.KEY_PAUSED,
            actor=Actor(name="Ada", id=7, address="192.0.2.1"),
            place=Place(1, "Acme"),
            subject=f"Key {number}",
            number=number,
        )
        for number in range(1, 7)
    ]
    chain_catch_up()
    return events


@pytest.fixture
def by_hand(db: None) -> Iterator[Sql]:
    """Raw SQL of somebody who has taken the guards down."""

    def run(sql: str, *values: object) -> None:
        with connection.cursor() as cursor:
            cursor.execute(sql, values)

    guards_remove()
    yield run
    guards_make()
