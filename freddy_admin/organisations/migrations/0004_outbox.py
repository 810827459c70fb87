"""Mails of invitations that wait move to the outbox; the invitation keeps when one was sent."""

from django.db import migrations

KIND, LANE = "invitation", "mail"


def waiting_mails_move(apps, schema_editor):
    messages = apps.get_model("core", "OutboxMessage").objects.using(schema_editor.connection.alias)
    invitations = apps.get_model("organisations", "Invitation").objects.using(
        schema_editor.connection.alias
    )
    waiting = invitations.filter(closed_at=None).exclude(next_attempt_at=None)
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
        for row in waiting.iterator()
    ]
    messages.bulk_create(rows, batch_size=500)


def waiting_mails_move_back(apps, schema_editor):
    messages = apps.get_model("core", "OutboxMessage").objects.using(schema_editor.connection.alias)
    invitations = apps.get_model("organisations", "Invitation").objects.using(
        schema_editor.connection.alias
    )
    for message in messages.filter(kind=KIND).iterator():
        # 0.4.1 gives nothing up: what was given up is tried again.
        next_attempt_at = message.next_attempt_at or message.given_up_at
        invitations.filter(pk=message.object_id, closed_at=None).update(
            next_attempt_at=next_attempt_at, attempts=message.attempts
        )
    messages.filter(kind=KIND).delete()


class Migration(migrations.Migration):
    dependencies = [("organisations", "0003_names"), ("core", "0005_outbox")]

    operations = [
        migrations.RunPython(waiting_mails_move, waiting_mails_move_back),
        migrations.RemoveIndex("Invitation", "invitation_mail_due"),
        migrations.RemoveField("Invitation", "next_attempt_at"),
        migrations.RemoveField("Invitation", "attempts"),
    ]
