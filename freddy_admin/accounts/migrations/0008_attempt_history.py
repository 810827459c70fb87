from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [
        ("accounts", "0007_names"),
    ]

    operations = [
        migrations.CreateModel(
            name="AttemptHistory",
            fields=[
                ("key", models.CharField(max_length=200, primary_key=True, serialize=False)),
                ("attempts", models.TextField()),
                ("ends_at", models.DateTimeField(db_index=True)),
            ],
        ),
    ]
