from typing import Any

from django.db import migrations, models

from freddy_admin.core.view_changes import view_change_triggers_drop


def triggers_drop(apps: Any, schema_editor: Any) -> None:
    """Without the table, every write to a table with a trigger would fail."""
    view_change_triggers_drop(using=schema_editor.connection.alias)


class Migration(migrations.Migration):
    """The table; its triggers are created at the end of `migrate`, once all tables exist."""

    dependencies = [("core", "0009_outbox_lanes")]

    operations = [
        migrations.CreateModel(
            name="ViewChange",
            fields=[
                (
                    "id",
                    models.BigAutoField(
                        auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                    ),
                ),
                ("organisation_id", models.BigIntegerField()),
                ("number", models.BigIntegerField()),
            ],
            options={
                "indexes": [models.Index(fields=["number"], name="view_change_number")],
                "constraints": [
                    models.UniqueConstraint(
                        fields=("organisation_id", "number"), name="one_change_per_transaction"
                    )
                ],
            },
        ),
        migrations.RunPython(migrations.RunPython.noop, triggers_drop),
    ]
