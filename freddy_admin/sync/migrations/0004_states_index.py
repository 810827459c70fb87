"""An index from which all keys are counted.

The table holds a row per key, so making it locks writes for a moment only, even with many.
"""

from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [
        ("sync", "0003_check_counts"),
    ]

    operations = [
        migrations.AddIndex(
            model_name="keysync",
            index=models.Index(
                fields=["state", "unknown_at", "checked_at", "error_kind"], name="sync_states"
            ),
        ),
    ]
