"""Indexes by which the overview finds paused keys and the words that keys are tagged with.

The tables hold a row per key and per tag, so making them locks writes for a moment only.
"""

from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [
        ("vault", "0003_master_keys"),
    ]

    operations = [
        migrations.AddIndex(
            model_name="apikey",
            index=models.Index(
                condition=models.Q(("paused_at__isnull", False)),
                fields=["paused_at"],
                name="key_paused",
            ),
        ),
        migrations.AddIndex(
            model_name="keytag",
            index=models.Index(fields=["name"], name="tag_by_name"),
        ),
    ]
