from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [("vault", "0002_key_life_cycle")]

    operations = [
        migrations.CreateModel(
            name="MasterKeyRotation",
            fields=[
                (
                    "id",
                    models.BigAutoField(
                        auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                    ),
                ),
                ("sealing_id", models.CharField(editable=False, max_length=16)),
                ("started_at", models.DateTimeField(db_index=True, editable=False)),
                ("beat_at", models.DateTimeField(editable=False)),
                ("ended_at", models.DateTimeField(editable=False, null=True)),
                ("total", models.PositiveIntegerField(editable=False)),
                ("done", models.PositiveIntegerField(default=0, editable=False)),
                ("unreadable", models.PositiveIntegerField(default=0, editable=False)),
            ],
        ),
        migrations.AddField(
            model_name="masterkeycanary",
            name="tried_at",
            field=models.DateTimeField(editable=False, null=True),
        ),
        migrations.AddField(
            model_name="masterkeycanary",
            name="tried_by",
            field=models.CharField(blank=True, editable=False, max_length=120),
        ),
        migrations.AddField(
            model_name="masterkeycanary",
            name="verdict",
            field=models.CharField(
                blank=True,
                choices=[
                    ("sings", "opened"),
                    ("mute", "did not open"),
                    ("missing", "its master key is not there"),
                ],
                editable=False,
                max_length=10,
            ),
        ),
    ]
