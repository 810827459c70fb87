"""Gives each address the one form by which it is found from now on."""

import sys
from collections import defaultdict

from django.db import migrations

from freddy_admin.accounts.models import email_normalize


def email_addresses_normalize(apps, schema_editor):
    """Rewrite addresses whose domain is not ASCII, or is an odd form of it.

    Of two accounts whose addresses are one by now, the one that has that form already gets it,
    else the active one that signed in last. The other keeps its former text, with which nobody
    signs in: it stays under People, for a platform admin to take over its memberships and remove.
    """
    alias = schema_editor.connection.alias
    people = apps.get_model("accounts", "User").objects.using(alias)
    email_addresses = apps.get_model("account", "EmailAddress").objects.using(alias)
    users_by_email = defaultdict(list)
    for user in people.only("email", "is_active", "last_login").order_by("pk"):
        users_by_email[email_normalize(user.email)].append(user)
    for email, users in users_by_email.items():
        kept_user = max(
            users,
            key=lambda user: (
                user.email == email,
                user.is_active,
                user.last_login.timestamp() if user.last_login else 0.0,
            ),
        )
        for user in users:
            if user is not kept_user:
                sys.stderr.write(
                    f"\n  {user.email} (person {user.pk}) is the same address as {kept_user.email} "
                    f"(person {kept_user.pk}), who signs in with it from now on."
                )
        if kept_user.email != email:
            people.filter(pk=kept_user.pk).update(email=email)
            email_addresses.filter(user_id=kept_user.pk).update(email=email)
    # Requests for a new password are good for six hours, and asked for again in a moment.
    requests = apps.get_model("accounts", "PasswordResetRequest").objects.using(alias)
    requests.filter(
        pk__in=[row.pk for row in requests.all() if row.email != email_normalize(row.email)]
    ).delete()


class Migration(migrations.Migration):
    dependencies = [
        ("accounts", "0009_outbox"),
        ("account", "0009_emailaddress_unique_primary_email"),
    ]

    operations = [
        # Backwards the ASCII form stays: the version before finds people by it, too.
        migrations.RunPython(email_addresses_normalize, migrations.RunPython.noop),
    ]
