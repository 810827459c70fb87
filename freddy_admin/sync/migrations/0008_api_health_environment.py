"""The API's health is kept for each environment.

What was known is forgotten, both ways: a worker asks again within a minute, and a row of another
environment would pass for the only one.
"""

from typing import Any

from django.db import migrations, models


def forget_api_health(apps: Any, schema_editor: Any) -> None:
    """Delete the latest answers of the health route."""
    apps.get_model("sync", "ApiHealth").objects.all().delete()


class Migration(migrations.Migration):
    dependencies = [("sync", "0007_panel_address")]

    operations = [
        migrations.RunPython(forget_api_health, forget_api_health),
        migrations.AddField(
            model_name="apihealth",
            name="environment",
            field=models.CharField(
                db_default="default", default="default", max_length=32, unique=True
            ),
        ),
        migrations.RunPython(migrations.RunPython.noop, forget_api_health),
    ]
