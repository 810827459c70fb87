"""The upgrade moves mails that wait onto the outbox, and the way back returns them."""

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from tests.migrations import former_database, migrate_to, migrations_restore

pytestmark = pytest.mark.django_db(transaction=True)
BEFORE = [("organisations", "0003_names"), ("accounts", "0008_attempt_history")]
AFTER = [("organisations", "0004_outbox"), ("accounts", "0009_outbox")]
NOON = datetime(2026, 5, 1, 12, tzinfo=UTC)
MINUTE = timedelta(minutes=1)


def create_former_rows(apps: Any) -> None:
    """Invitations and resets that wait, two that will be given up, one sent, one withdrawn."""
    organisation = apps.get_model("organisations", "Organisation").objects.create(
        name="Alder", slug="alder", created_at=NOON
    )
    for email, values in {
        "new@example.org": {"next_attempt_at": NOON},
        "failing@example.org": {"next_attempt_at": NOON + MINUTE, "attempts": 3},
        "hopeless@example.org": {"next_attempt_at": NOON, "attempts": 4},
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
    for email, attempts in (("ada@example.org", 0), ("eve@example.org", 2), ("ivo@example.org", 5)):
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


def test_mails_move_onto_the_outbox_and_back_and_those_given_up_are_tried_again() -> None:
    former_apps = former_database(*BEFORE)
    try:
        create_former_rows(former_apps)
        before = former_rows(former_apps)
        apps = migrate_to(*AFTER)
        emails = {
            ("invitation", row.pk): row.email
            for row in apps.get_model("organisations", "Invitation").objects.all()
        } | {
            ("password_reset", row.pk): row.email
            for row in apps.get_model("accounts", "PasswordResetRequest").objects.all()
        }
        outbox = apps.get_model("core", "OutboxMessage").objects
        messages = {
            emails[row.kind, row.object_id]: (row.lane, row.attempts, row.next_attempt_at)
            for row in outbox.all()
        }
        assert messages == {
            "new@example.org": ("mail", 0, NOON),
            "failing@example.org": ("mail", 3, NOON + MINUTE),
            "hopeless@example.org": ("mail", 4, NOON),
            "ada@example.org": ("mail", 0, NOON + MINUTE),
            "eve@example.org": ("mail", 2, NOON + MINUTE),
            "ivo@example.org": ("mail", 5, NOON + MINUTE),
        }
        later = NOON + 5 * MINUTE
        outbox.filter(attempts__gte=4).update(
            next_attempt_at=None, given_up_at=later, reason="no_answer"
        )
        assert former_rows(migrate_to(*BEFORE)) == before | {
            # How often a mail that was sent had been tried is the one thing that is not kept.
            "sent@example.org": (0, None),
            "hopeless@example.org": (4, later),
            "ivo@example.org": (5, later),
        }
    finally:
        migrations_restore()
