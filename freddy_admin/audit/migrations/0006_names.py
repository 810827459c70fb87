"""Tables and columns get the names of their models' fields; no row of the history is rewritten."""

from django.db import migrations, models


class Migration(migrations.Migration):
    # Renaming a model renames its content type, also on the way back.
    dependencies = [
        ("audit", "0005_counts_of_repeats"),
        ("contenttypes", "0002_remove_content_type_name"),
    ]

    operations = [
        migrations.RenameModel("AuditCheck", "AuditVerification"),
        # The database renames the columns inside its indexes by itself.
        migrations.SeparateDatabaseAndState(
            state_operations=[
                migrations.RemoveIndex("repeatcount", "audit_repeats_of_one"),
                migrations.RemoveIndex("repeatcount", "audit_repeats_of_a_kind"),
            ]
        ),
        migrations.RenameField("AuditVerification", "walk", "progress"),
        migrations.RenameField("RepeatCount", "who", "actor_key"),
        migrations.RenameField("RepeatCount", "begun_at", "started_at"),
        migrations.SeparateDatabaseAndState(
            state_operations=[
                migrations.AddIndex(
                    "repeatcount",
                    models.Index(
                        fields=["actor_key", "tag", "started_at"], name="audit_repeats_of_one"
                    ),
                ),
                migrations.AddIndex(
                    "repeatcount",
                    models.Index(fields=["tag", "started_at"], name="audit_repeats_of_a_kind"),
                ),
            ]
        ),
    ]
