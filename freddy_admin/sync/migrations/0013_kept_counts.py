"""What the worker counts for pages, so that none of them reads every key.

The states are counted here for the first time; who reports the same figures, within a minute.
"""

import django.db.models.deletion
from django.db import migrations, models


def _count_states(apps, schema_editor):
    rows = apps.get_model("sync", "SyncStatus").objects
    rows.update(counted_state=models.F("state"))
    counts = rows.order_by().values_list("state").annotate(models.Count("pk"))
    state_count = apps.get_model("sync", "StateCount")
    state_count.objects.bulk_create(
        state_count(state=state, keys=keys) for state, keys in list(counts)
    )


class Migration(migrations.Migration):
    dependencies = [
        ("organisations", "0006_organisation_has_key"),
        ("sync", "0012_message_fault"),
        ("vault", "0009_channel_secret"),
    ]

    operations = [
        migrations.CreateModel(
            name="OrganisationFigures",
            fields=[
                (
                    "id",
                    models.BigAutoField(
                        auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                    ),
                ),
                ("figures_digest", models.CharField(max_length=16)),
                ("keys", models.PositiveIntegerField()),
                ("min_check_count", models.PositiveIntegerField()),
                ("min_previous_digest", models.CharField(blank=True, max_length=16)),
                ("max_previous_digest", models.CharField(blank=True, max_length=16)),
                ("current_until", models.DateTimeField()),
            ],
        ),
        migrations.CreateModel(
            name="PanelFigures",
            fields=[
                (
                    "id",
                    models.BigAutoField(
                        auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                    ),
                ),
                ("figures_digest", models.CharField(max_length=16)),
                ("keys", models.PositiveIntegerField()),
                ("min_check_count", models.PositiveIntegerField()),
                ("min_previous_digest", models.CharField(blank=True, max_length=16)),
                ("max_previous_digest", models.CharField(blank=True, max_length=16)),
                ("current_until", models.DateTimeField()),
                ("organisations", models.PositiveIntegerField()),
                ("first_name", models.CharField(max_length=120)),
                ("last_name", models.CharField(max_length=120)),
            ],
        ),
        migrations.CreateModel(
            name="StateCount",
            fields=[
                (
                    "id",
                    models.BigAutoField(
                        auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                    ),
                ),
                ("state", models.CharField(max_length=20)),
                ("keys", models.BigIntegerField()),
            ],
        ),
        migrations.AddField(
            model_name="syncstatus",
            name="counted_state",
            field=models.CharField(blank=True, max_length=20),
        ),
        migrations.AddIndex(
            model_name="syncstatus",
            index=models.Index(fields=["checked_at"], name="sync_checked"),
        ),
        migrations.AddIndex(
            model_name="syncstatus",
            index=models.Index(
                condition=models.Q(("state", models.F("counted_state")), _negated=True),
                fields=["state", "counted_state"],
                name="sync_uncounted",
            ),
        ),
        migrations.AddIndex(
            model_name="syncstatus",
            index=models.Index(
                condition=models.Q(("error_kind__gt", "")),
                fields=["checked_at", "error_kind"],
                name="sync_failing",
            ),
        ),
        migrations.AddField(
            model_name="organisationfigures",
            name="organisation",
            field=models.ForeignKey(
                on_delete=django.db.models.deletion.CASCADE,
                related_name="+",
                to="organisations.organisation",
            ),
        ),
        migrations.AddIndex(
            model_name="panelfigures",
            index=models.Index(
                models.OrderBy(models.F("keys"), descending=True),
                models.F("first_name"),
                models.F("figures_digest"),
                name="sync_largest",
            ),
        ),
        migrations.AddIndex(
            model_name="panelfigures",
            index=models.Index(fields=["current_until"], name="sync_figures_until"),
        ),
        migrations.AddConstraint(
            model_name="panelfigures",
            constraint=models.UniqueConstraint(
                fields=("figures_digest",), name="one_panel_count_of_figures"
            ),
        ),
        migrations.AddConstraint(
            model_name="organisationfigures",
            constraint=models.UniqueConstraint(
                fields=("organisation", "figures_digest"), name="one_count_of_figures"
            ),
        ),
        migrations.RunPython(_count_states, migrations.RunPython.noop),
    ]
