"""The upgrade moves mails that wait onto the outbox, and the way back returns them."""

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from django.db import connection
from django.db.migrations.executor import MigrationExecutor

pytestmark = pytest.mark.django_db(transaction=True)
BEFORE = [("organisations", "0003_names"), ("accounts", "0008_attempt_history")]
NOON = datetime(2026, 5, 1, 12, tzinfo=UTC)
MINUTE = timedelta(minutes=1)


def migrate_to(*targets: tuple[str, str]) -> Any:
    """Migrate, to the newest without targets; the models as they are then."""
    executor = MigrationExecutor(connection)
    nodes = list(targets) or executor.loader.graph.leaf_nodes()
    return executor.migrate(nodes).apps


def create_former_rows(apps: Any) -> None:
    """Two invitations that wait, one that was sent, one that was withdrawn, and two resets."""
    organisation = apps.get_model("organisations", "Organisation").objects.create(
        name="Alder", slug="alder", created_at=NOON
    )
    for email, values in {
        "new@example.org": {"next_attempt_at": NOON},
        "failing@example.org": {"next_attempt_at": NOON + MINUTE, "attempts": 3},
        "sent@example.org": {"sent_at": NOON, "attempts": 1, "digest": "d"},
        "gone@example.org": {"closed_at": NOON},
    }.items():
        apps.get_model("organisations", "Invitation").objects.create(
            organisation=organisation,
            email=email,
            role="viewer",
            invited_by="Ann",
            created_at=NOON,
            requested_at=NOON,
            expires_at=NOON + timedelta(days=7),
            **values,
        )
    for email, attempts in (("ada@example.org", 0), ("eve@example.org", 2)):
        apps.get_model("accounts", "PasswordResetRequest").objects.create(
            email=email, requested_at=NOON, attempts=attempts, next_attempt_at=NOON + MINUTE
        )


def former_rows(apps: Any) -> dict[str, tuple[int, datetime | None]]:
    """Attempts and the next one, by address."""
    return {
        row.email: (row.attempts, row.next_attempt_at)
        for model in (("organisations", "Invitation"), ("accounts", "PasswordResetRequest"))
        for row in apps.get_model(*model).objects.all()
    }


def test_waiting_mails_move_onto_the_outbox_and_back() -> None:
    former_apps = migrate_to(*BEFORE)
    try:
        create_former_rows(former_apps)
        before = former_rows(former_apps)
        apps = migrate_to()
        emails = {
            ("invitation", row.pk): row.email
            for row in apps.get_model("organisations", "Invitation").objects.all()
        } | {
            ("password_reset", row.pk): row.email
            for row in apps.get_model("accounts", "PasswordResetRequest").objects.all()
        }
        messages = {
            emails[row.kind, row.object_id]: (row.lane, row.attempts, row.next_attempt_at)
            for row in apps.get_model("core", "OutboxMessage").objects.all()
        }
        assert messages == {
            "new@example.org": ("mail", 0, NOON),
            "failing@example.org": ("mail", 3, NOON + MINUTE),
            "ada@example.org": ("mail", 0, NOON + MINUTE),
            "eve@example.org": ("mail", 2, NOON + MINUTE),
        }
        after = former_rows(migrate_to(*BEFORE))
        # How often a mail that was sent had been tried is the one thing that is not kept.
        assert after == before | {"sent@example.org": (0, None)}
    finally:
        migrate_to()


def test_mail_that_was_given_up_is_tried_again_by_the_former_version() -> None:
    former_apps = migrate_to(*BEFORE)
    try:
        create_former_rows(former_apps)
        apps = migrate_to()
        apps.get_model("core", "OutboxMessage").objects.update(
            next_attempt_at=None, given_up_at=NOON + 5 * MINUTE, reason="no_answer"
        )
        after = former_rows(migrate_to(*BEFORE))
        assert after["failing@example.org"] == (3, NOON + 5 * MINUTE)
        assert after["eve@example.org"] == (2, NOON + 5 * MINUTE)
    finally:
        migrate_to()
