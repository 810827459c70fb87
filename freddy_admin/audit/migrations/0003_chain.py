"""Chains what was written so far, and has the database refuse every change from here on."""

from django.conf import settings
from django.db import migrations, models

from freddy_admin.audit.append_only_triggers import (
    append_only_triggers_create,
    append_only_triggers_drop,
)
from freddy_admin.audit.chain import event_content
from freddy_admin.core import clock
from freddy_admin.crypto.hash_chain import CHAIN_START, derive_chain_key, extend_digest

BATCH = 500


def adopt(apps, schema_editor):
    """Link the events that are there, in the order in which they were written."""
    using = schema_editor.connection.alias
    rows = {
        name: apps.get_model("audit", f"Audit{name}").objects.using(using)
        for name in ("Event", "Link", "Head", "Epoch")
    }
    key = derive_chain_key(settings.SECRET_KEY)
    count, digest, last, links = 0, CHAIN_START, CHAIN_START, []
    for event in rows["Event"].order_by("id").iterator(chunk_size=BATCH):
        count += 1
        digest = extend_digest(digest, event_content(event))
        last = key.link_hash(former=last, digest=digest)
        links.append(rows["Link"].model(place=count, event_id=event.pk, hash=last))
        if len(links) == BATCH:
            rows["Link"].bulk_create(links)
            links = []
    rows["Link"].bulk_create(links)
    if not count:
        return
    proof = key.head_mac(count=count, digest=digest, last=last)
    rows["Head"].create(pk=1, count=count, digest=digest, last=last, key_id=key.id, proof=proof)
    for kind, first in (("adopted", 1), ("begun", count + 1)):
        rows["Epoch"].create(first_place=first, kind=kind, key_id=key.id, began_at=clock.now())


def guard(apps, schema_editor):
    append_only_triggers_create(schema_editor.connection.alias)


def unguard(apps, schema_editor):
    append_only_triggers_drop(schema_editor.connection.alias)


class Migration(migrations.Migration):
    dependencies = [("audit", "0002_tags_of_orders")]

    operations = [
        migrations.CreateModel(
            name="AuditCheck",
            fields=[
                (
                    "id",
                    models.BigAutoField(
                        auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                    ),
                ),
                ("walk", models.JSONField(default=dict)),
                ("verified_at", models.DateTimeField(null=True)),
                ("events", models.BigIntegerField(default=0)),
                ("problem", models.JSONField(default=dict)),
            ],
        ),
        migrations.CreateModel(
            name="AuditEpoch",
            fields=[
                (
                    "id",
                    models.BigAutoField(
                        auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                    ),
                ),
                ("first_place", models.BigIntegerField()),
                (
                    "kind",
                    models.CharField(
                        choices=[
                            ("adopted", "written before there was a chain"),
                            ("begun", "written with the chain"),
                            ("key_changed", "SECRET_KEY was changed"),
                            ("begun_anew", "the end of the chain was missing"),
                        ],
                        max_length=20,
                    ),
                ),
                ("key_id", models.CharField(max_length=16)),
                ("began_at", models.DateTimeField()),
            ],
            options={"ordering": ["id"]},
        ),
        migrations.CreateModel(
            name="AuditHead",
            fields=[
                (
                    "id",
                    models.BigAutoField(
                        auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                    ),
                ),
                ("count", models.BigIntegerField(default=0)),
                ("digest", models.CharField(max_length=64)),
                ("last", models.CharField(max_length=64)),
                ("key_id", models.CharField(max_length=16)),
                ("proof", models.CharField(max_length=64)),
            ],
        ),
        migrations.CreateModel(
            name="AuditLink",
            fields=[
                ("place", models.BigIntegerField(primary_key=True, serialize=False)),
                ("event_id", models.BigIntegerField(unique=True)),
                ("hash", models.CharField(max_length=64)),
            ],
            options={"abstract": False},
        ),
        migrations.RemoveIndex(model_name="auditevent", name="audit_by_organisation"),
        migrations.AddField(
            model_name="auditevent",
            name="request_id",
            field=models.CharField(blank=True, default="", max_length=64),
        ),
        migrations.AddField(
            model_name="auditevent",
            name="seal",
            field=models.CharField(blank=True, default="", max_length=80),
        ),
        migrations.AlterField(model_name="auditevent", name="at", field=models.DateTimeField()),
        migrations.AlterField(
            model_name="auditevent", name="tag", field=models.CharField(max_length=40)
        ),
        migrations.RunPython(adopt, migrations.RunPython.noop),
        migrations.AddIndex(
            model_name="auditevent",
            index=models.Index(fields=["at", "id"], name="audit_by_time"),
        ),
        migrations.AddIndex(
            model_name="auditevent",
            index=models.Index(
                fields=["organisation_id", "at", "id"], name="audit_by_organisation_time"
            ),
        ),
        migrations.AddIndex(
            model_name="auditevent",
            index=models.Index(fields=["actor_id", "at", "id"], name="audit_by_actor"),
        ),
        migrations.AddIndex(
            model_name="auditevent",
            index=models.Index(fields=["tag", "at", "id"], name="audit_by_tag"),
        ),
        migrations.AddIndex(
            model_name="auditevent",
            index=models.Index(fields=["subject", "at", "id"], name="audit_by_subject"),
        ),
        migrations.AddIndex(
            model_name="auditevent",
            index=models.Index(
                condition=models.Q(("request_id", ""), _negated=True),
                fields=["request_id"],
                name="audit_by_request",
            ),
        ),
        migrations.AddConstraint(
            model_name="auditevent",
            constraint=models.UniqueConstraint(
                condition=models.Q(("seal", ""), _negated=True),
                fields=("seal",),
                name="audit_seal_once",
            ),
        ),
        migrations.RunPython(guard, unguard),
    ]
