"""What Aitronos said of a tested secret, in full, and whether one is tried every hour."""

from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [
        ("vault", "0006_key_environment"),
    ]

    operations = [
        migrations.AddField(
            model_name="importdraftrow",
            name="result_detail",
            field=models.CharField(blank=True, editable=False, max_length=200),
        ),
        migrations.AddField(
            model_name="importdraftrow",
            name="result_error_type",
            field=models.CharField(blank=True, editable=False, max_length=64),
        ),
        migrations.AddField(
            model_name="importdraftrow",
            name="result_field",
            field=models.CharField(blank=True, editable=False, max_length=64),
        ),
        migrations.AddField(
            model_name="importdraftrow",
            name="result_request_id",
            field=models.CharField(blank=True, editable=False, max_length=128),
        ),
        migrations.AddField(
            model_name="importdraftrow",
            name="result_system_message",
            field=models.CharField(blank=True, editable=False, max_length=300),
        ),
        migrations.AddField(
            model_name="importdraftrow",
            name="result_timestamp",
            field=models.CharField(blank=True, editable=False, max_length=64),
        ),
        migrations.AddField(
            model_name="importdraftrow",
            name="result_trace_id",
            field=models.CharField(blank=True, editable=False, max_length=128),
        ),
        migrations.AddField(
            model_name="keycandidate",
            name="result_detail",
            field=models.CharField(blank=True, editable=False, max_length=200),
        ),
        migrations.AddField(
            model_name="keycandidate",
            name="result_error_type",
            field=models.CharField(blank=True, editable=False, max_length=64),
        ),
        migrations.AddField(
            model_name="keycandidate",
            name="result_field",
            field=models.CharField(blank=True, editable=False, max_length=64),
        ),
        migrations.AddField(
            model_name="keycandidate",
            name="result_request_id",
            field=models.CharField(blank=True, editable=False, max_length=128),
        ),
        migrations.AddField(
            model_name="keycandidate",
            name="result_system_message",
            field=models.CharField(blank=True, editable=False, max_length=300),
        ),
        migrations.AddField(
            model_name="keycandidate",
            name="result_timestamp",
            field=models.CharField(blank=True, editable=False, max_length=64),
        ),
        migrations.AddField(
            model_name="keycandidate",
            name="result_trace_id",
            field=models.CharField(blank=True, editable=False, max_length=128),
        ),
        migrations.AddField(
            model_name="keycandidate",
            name="retries_hourly",
            field=models.BooleanField(default=False, editable=False),
        ),
    ]
