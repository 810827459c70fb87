"""What support asks for of a failed call: kept beside the code and message; "" where unknown."""

from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [
        ("sync", "0010_refusals"),
    ]

    operations = [
        migrations.AddField(
            model_name="catalogsnapshot",
            name="error_system_message",
            field=models.CharField(blank=True, max_length=300),
        ),
        migrations.AddField(
            model_name="catalogsnapshot",
            name="error_timestamp",
            field=models.CharField(blank=True, max_length=64),
        ),
        migrations.AddField(
            model_name="catalogsnapshot",
            name="error_type",
            field=models.CharField(blank=True, max_length=64),
        ),
        migrations.AddField(
            model_name="checkrun",
            name="request_id",
            field=models.CharField(blank=True, max_length=128),
        ),
        migrations.AddField(
            model_name="checkrun",
            name="trace_id",
            field=models.CharField(blank=True, max_length=128),
        ),
        migrations.AddField(
            model_name="syncstatus",
            name="error_system_message",
            field=models.CharField(blank=True, max_length=300),
        ),
        migrations.AddField(
            model_name="syncstatus",
            name="error_timestamp",
            field=models.CharField(blank=True, max_length=64),
        ),
        migrations.AddField(
            model_name="syncstatus",
            name="error_type",
            field=models.CharField(blank=True, max_length=64),
        ),
    ]
