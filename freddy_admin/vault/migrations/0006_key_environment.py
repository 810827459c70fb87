"""A key belongs to an environment; those that are stored belong to the default one."""

from django.db import migrations, models


def _environment_field(model_name: str) -> migrations.AddField:
    # The database knows the default, too: the version before stores keys meanwhile.
    return migrations.AddField(
        model_name=model_name,
        name="environment",
        field=models.CharField(
            db_default="default", default="default", editable=False, max_length=32
        ),
    )


class Migration(migrations.Migration):
    dependencies = [("vault", "0005_names")]

    operations = [
        _environment_field("apikey"),
        _environment_field("importdraftrow"),
        _environment_field("keycandidate"),
    ]
