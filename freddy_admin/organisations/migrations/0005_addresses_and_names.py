"""Gives addresses of open invitations and names of organisations their one form."""

from collections import defaultdict

from django.db import migrations
from django.utils import timezone

from freddy_admin.accounts.models import email_normalize
from freddy_admin.core.text_validation import spaces_fold


def invitations_normalize(apps, schema_editor):
    """Of several open invitations of what is one address by now, the latest stays open."""
    invitations = (
        apps.get_model("organisations", "Invitation")
        .objects.using(schema_editor.connection.alias)
        .filter(closed_at=None)
    )
    rows_by_address = defaultdict(list)
    for row in invitations.order_by("-created_at", "-pk"):
        rows_by_address[row.organisation_id, email_normalize(row.email)].append(row)
    for (_organisation_id, email), (kept_row, *other_rows) in rows_by_address.items():
        invitations.filter(pk__in=[row.pk for row in other_rows]).update(
            closed_at=timezone.now(), digest=""
        )
        if kept_row.email != email:
            invitations.filter(pk=kept_row.pk).update(email=email)


def organisation_names_fold(apps, schema_editor):
    """Doubled and no-break spaces become one blank, by which imports find the organisation.

    A name that another organisation has already stays as it is.
    """
    organisations = apps.get_model("organisations", "Organisation").objects.using(
        schema_editor.connection.alias
    )
    names = dict(organisations.order_by("pk").values_list("pk", "name"))
    taken_names = set(names.values())
    for pk, name in names.items():
        folded_name = spaces_fold(name)
        if folded_name not in taken_names:
            organisations.filter(pk=pk).update(name=folded_name)
            taken_names.add(folded_name)


class Migration(migrations.Migration):
    dependencies = [("organisations", "0004_outbox")]

    operations = [
        migrations.RunPython(invitations_normalize, migrations.RunPython.noop),
        migrations.RunPython(organisation_names_fold, migrations.RunPython.noop),
    ]
