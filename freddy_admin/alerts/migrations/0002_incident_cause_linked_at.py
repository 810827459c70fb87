from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [("alerts", "0001_initial")]

    operations = [
        migrations.AddField(
            model_name="incident",
            name="cause_linked_at",
            field=models.DateTimeField(null=True),
        ),
    ]
