"""Requests for a new password wait in the outbox; their row keeps the address alone."""

from django.db import migrations, models

KIND, LANE = "password_reset", "mail"


def waiting_mails_move(apps, schema_editor):
    messages = apps.get_model("core", "OutboxMessage").objects.using(schema_editor.connection.alias)
    requests = apps.get_model("accounts", "PasswordResetRequest").objects.using(
        schema_editor.connection.alias
    )
    rows = [
        messages.model(
            kind=KIND,
            lane=LANE,
            object_id=row.pk,
            requested_at=row.requested_at,
            next_attempt_at=row.next_attempt_at,
            attempts=row.attempts,
            # The first attempt followed the request at once.
            failing_since=row.requested_at if row.attempts else None,
        )
        for row in requests.iterator()
    ]
    messages.bulk_create(rows, batch_size=500)


def waiting_mails_move_back(apps, schema_editor):
    messages = apps.get_model("core", "OutboxMessage").objects.using(schema_editor.connection.alias)
    requests = apps.get_model("accounts", "PasswordResetRequest").objects.using(
        schema_editor.connection.alias
    )
    for message in messages.filter(kind=KIND).iterator():
        # 0.4.1 gives nothing up: what was given up is tried again.
        next_attempt_at = message.next_attempt_at or message.given_up_at
        requests.filter(pk=message.object_id).update(
            next_attempt_at=next_attempt_at, attempts=message.attempts
        )
    messages.filter(kind=KIND).delete()
    # Nothing waits for these: 0.4.1 deletes them after six hours.
    requests.filter(next_attempt_at=None).update(next_attempt_at=models.F("requested_at"))


class Migration(migrations.Migration):
    dependencies = [("accounts", "0008_attempt_history"), ("core", "0005_outbox")]

    operations = [
        # Without a default, so that it can be added again on the way back.
        migrations.AlterField(
            "PasswordResetRequest",
            "next_attempt_at",
            models.DateTimeField(null=True, db_index=True),
        ),
        migrations.RunPython(waiting_mails_move, waiting_mails_move_back),
        migrations.RemoveField("PasswordResetRequest", "next_attempt_at"),
        migrations.RemoveField("PasswordResetRequest", "attempts"),
    ]
