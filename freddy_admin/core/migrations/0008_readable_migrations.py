"""A table of the migrations after which older code still works, see `core.database_version`."""

from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [("core", "0007_panel_address")]

    operations = [
        migrations.CreateModel(
            name="ReadableMigration",
            fields=[
                (
                    "id",
                    models.BigAutoField(
                        auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                    ),
                ),
                ("app", models.CharField(max_length=255)),
                ("name", models.CharField(max_length=255)),
                ("since", models.CharField(max_length=20)),
            ],
            options={
                "constraints": [
                    models.UniqueConstraint(fields=["app", "name"], name="one_mark_per_migration")
                ]
            },
        ),
    ]
