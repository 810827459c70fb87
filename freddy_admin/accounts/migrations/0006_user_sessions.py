"""Sessions are kept by a hash of their key from now on: everybody signs in anew, once.

What was stored before holds keys as browsers have them, so it goes: the sessions, and the list of
them that the sign-in library kept in a table of its own. On the way back the sessions go as well,
for the former engine cannot read them, and the library's table is made anew by the migration of
the library, which no longer counts as applied.
"""

import django.db.models.deletion
from django.conf import settings
from django.db import migrations, models
from django.db.migrations.recorder import MigrationRecorder

import freddy_admin.core.clock

FORMER_APP, FORMER_TABLE = "usersessions", "usersessions_usersession"


def sessions_forget(apps, schema_editor):
    apps.get_model("sessions", "Session").objects.all().delete()


def former_list_drop(apps, schema_editor):
    connection = schema_editor.connection
    if FORMER_TABLE in connection.introspection.table_names():
        # Emptied first, so that SQLite overwrites the rows.
        schema_editor.execute("DELETE FROM usersessions_usersession")
        schema_editor.execute("DROP TABLE usersessions_usersession")
    applied = MigrationRecorder.Migration.objects.using(connection.alias)
    applied.filter(app=FORMER_APP).delete()


class Migration(migrations.Migration):
    dependencies = [
        ("accounts", "0005_reset_wishes"),
        ("sessions", "0001_initial"),
    ]

    operations = [
        migrations.CreateModel(
            name="UserSession",
            fields=[
                (
                    "id",
                    models.BigAutoField(
                        auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                    ),
                ),
                ("session_key_hash", models.CharField(max_length=40, unique=True)),
                ("ip", models.GenericIPAddressField(null=True)),
                ("user_agent", models.CharField(blank=True, max_length=200)),
                ("created_at", models.DateTimeField(default=freddy_admin.core.clock.now)),
                ("last_seen_at", models.DateTimeField(default=freddy_admin.core.clock.now)),
                (
                    "user",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.CASCADE,
                        related_name="sessions",
                        to=settings.AUTH_USER_MODEL,
                    ),
                ),
            ],
        ),
        migrations.RunPython(sessions_forget, sessions_forget),
        migrations.RunPython(former_list_drop, migrations.RunPython.noop),
    ]
