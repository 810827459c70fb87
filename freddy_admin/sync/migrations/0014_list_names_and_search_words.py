"""The names that lists are sorted and searched by, beside every sync status."""

import django.db.models.deletion
from django.db import migrations, models
from django.db.models import OuterRef, Subquery

from freddy_admin.core.search_words import indexed_words

_BATCH = 2_000


def _compare_words_by_bytes(apps, schema_editor):
    if schema_editor.connection.vendor == "postgresql":
        schema_editor.execute(
            'ALTER TABLE sync_searchword ALTER COLUMN word TYPE varchar(80) COLLATE "C"'
        )


def _fill_in(apps, schema_editor):
    statuses = apps.get_model("sync", "SyncStatus").objects
    organisations = apps.get_model("organisations", "Organisation").objects
    keys = apps.get_model("vault", "ApiKey").objects
    word_model = apps.get_model("sync", "SearchWord")
    statuses.update(
        organisation_name=Subquery(
            organisations.filter(pk=OuterRef("organisation_id")).values("name")
        ),
        key_label=Subquery(keys.filter(pk=OuterRef("pk")).values("label")),
    )
    with_status = organisations.filter(pk__in=statuses.values("organisation"))
    named = [(pk, None, name) for pk, name in with_status.values_list("pk", "name")]
    named += [
        (organisation_id, pk, f"{label} {organization_id}")
        for organisation_id, pk, label, organization_id in statuses.values_list(
            "organisation_id", "pk", "key__label", "key__organization_id"
        )
    ]
    for start in range(0, len(named), _BATCH):
        word_model.objects.bulk_create(
            (
                word_model(organisation_id=organisation_id, status_id=status_id, word=word)
                for organisation_id, status_id, text in named[start : start + _BATCH]
                for word in sorted(indexed_words(text))
            ),
            batch_size=_BATCH,
        )


class Migration(migrations.Migration):
    dependencies = [
        ("organisations", "0006_organisation_has_key"),
        ("sync", "0013_kept_counts"),
        ("vault", "0009_channel_secret"),
    ]

    operations = [
        migrations.CreateModel(
            name="SearchWord",
            fields=[
                (
                    "id",
                    models.BigAutoField(
                        auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                    ),
                ),
                ("word", models.CharField(max_length=80)),
            ],
        ),
        migrations.RunPython(_compare_words_by_bytes, migrations.RunPython.noop),
        migrations.AddField(
            model_name="syncstatus",
            name="key_label",
            field=models.CharField(blank=True, db_default="", default="", max_length=80),
        ),
        migrations.AddField(
            model_name="syncstatus",
            name="organisation_name",
            field=models.CharField(blank=True, db_default="", default="", max_length=120),
        ),
        migrations.AddIndex(
            model_name="syncstatus",
            index=models.Index(
                fields=["state", "organisation_name", "key_label", "key"],
                name="sync_state_names",
            ),
        ),
        migrations.AddIndex(
            model_name="syncstatus",
            index=models.Index(fields=["organisation_name", "key_label", "key"], name="sync_names"),
        ),
        migrations.AddIndex(
            model_name="syncstatus",
            index=models.Index(fields=["last_sync_at"], name="sync_last"),
        ),
        migrations.AddIndex(
            model_name="syncstatus",
            index=models.Index(fields=["next_sync_at"], name="sync_next"),
        ),
        migrations.AddIndex(
            model_name="syncstatus",
            index=models.Index(
                fields=["enabled_tools", "organisation_name", "key_label", "key"],
                name="sync_tools",
            ),
        ),
        migrations.AddField(
            model_name="searchword",
            name="organisation",
            field=models.ForeignKey(
                on_delete=django.db.models.deletion.CASCADE,
                related_name="+",
                to="organisations.organisation",
            ),
        ),
        migrations.AddField(
            model_name="searchword",
            name="status",
            field=models.ForeignKey(
                db_index=False,
                null=True,
                on_delete=django.db.models.deletion.CASCADE,
                related_name="search_words",
                to="sync.syncstatus",
            ),
        ),
        migrations.AddIndex(
            model_name="searchword",
            index=models.Index(fields=["word", "status", "organisation"], name="search_by_word"),
        ),
        migrations.AddIndex(
            model_name="searchword",
            index=models.Index(
                condition=models.Q(status__isnull=False), fields=["status"], name="search_of_key"
            ),
        ),
        # Last: PostgreSQL makes no index while changed rows wait for their checks.
        migrations.RunPython(_fill_in, migrations.RunPython.noop),
    ]
