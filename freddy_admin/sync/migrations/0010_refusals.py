"""How keys were refused, so that those refused in the same way are found.

What is known of the present refusals is filled in; the settings they came with are not known, so
that the worker tries these keys once more when it starts.
"""

from django.db import migrations, models
from django.db.models import Case, F, Q, Value, When
from django.db.models.functions import Concat

_CODES_KEPT = ["API_KEY_EXPIRED", "API_KEY_PAUSED", "API_KEY_DEACTIVATED", "INVALID_API_KEY"]


def _fill_in(apps, schema_editor):
    rows = apps.get_model("sync", "SyncStatus").objects
    refused = rows.filter(
        refusals__gt=0,
        error_kind__in=["key_refused", "key_not_permitted"],
        key__paused_at=None,
    )
    refused.update(
        refusal=Case(
            When(Q(refusal_status=403, error_code=""), then=Value("403")),
            When(refusal_status=403, then=Concat(Value("403 "), F("error_code"))),
            When(error_code__in=_CODES_KEPT, then=Concat(Value("401 "), F("error_code"))),
            default=Value("401"),
            output_field=models.CharField(),
        )
    )


class Migration(migrations.Migration):
    dependencies = [
        ("sync", "0009_call_budget_and_health_details"),
    ]

    operations = [
        migrations.AddField(
            model_name="syncstatus",
            name="refusal",
            field=models.CharField(max_length=80, null=True),
        ),
        migrations.AddField(
            model_name="syncstatus",
            name="refusal_settings",
            field=models.CharField(blank=True, default="", max_length=16),
            preserve_default=False,
        ),
        migrations.AddIndex(
            model_name="syncstatus",
            index=models.Index(
                condition=models.Q(refusal__isnull=False),
                fields=["refusal", "reported_organization_id", "organisation"],
                name="sync_refusals",
            ),
        ),
        migrations.AddIndex(
            model_name="syncstatus",
            index=models.Index(
                fields=["reported_organization_id", "outcome"], name="sync_reported_org"
            ),
        ),
        # Last: PostgreSQL makes no index while changed rows wait for their checks.
        migrations.RunPython(_fill_in, migrations.RunPython.noop),
    ]
