"""Tables and columns get the names of their models' fields; no row of the history is rewritten."""

from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [("vault", "0004_list_indexes")]

    operations = [
        # The database renames the columns inside its indexes by itself.
        migrations.SeparateDatabaseAndState(
            state_operations=[
                migrations.RemoveIndex("importdraftrow", "import_row_waits"),
                migrations.RemoveIndex("importdraftrow", "import_row_keeps"),
            ]
        ),
        migrations.RenameField("MasterKeyCanary", "verdict", "result"),
        migrations.RenameField("MasterKeyCanary", "tried_at", "tested_at"),
        migrations.RenameField("MasterKeyCanary", "tried_by", "tested_by"),
        migrations.RenameField("MasterKeyRotation", "beat_at", "heartbeat_at"),
        migrations.RenameField("MasterKeyRotation", "ended_at", "finished_at"),
        migrations.RenameField("KeyCandidate", "found_total_tools", "reported_total_tools"),
        migrations.RenameField("ImportDraftRow", "found_total_tools", "reported_total_tools"),
        migrations.RenameField("KeyCandidate", "found_enabled_tools", "reported_enabled_tools"),
        migrations.RenameField("ImportDraftRow", "found_enabled_tools", "reported_enabled_tools"),
        migrations.RenameField("KeyCandidate", "found_last_sync_at", "reported_last_sync_at"),
        migrations.RenameField("ImportDraftRow", "found_last_sync_at", "reported_last_sync_at"),
        migrations.RenameField("KeyCandidate", "found_organization_id", "reported_organization_id"),
        migrations.RenameField(
            "ImportDraftRow", "found_organization_id", "reported_organization_id"
        ),
        migrations.RenameField("KeyCandidate", "outcome_kind", "result_kind"),
        migrations.RenameField("ImportDraftRow", "outcome_kind", "result_kind"),
        migrations.RenameField("KeyCandidate", "outcome_code", "result_code"),
        migrations.RenameField("ImportDraftRow", "outcome_code", "result_code"),
        migrations.RenameField("KeyCandidate", "outcome_http_status", "result_http_status"),
        migrations.RenameField("ImportDraftRow", "outcome_http_status", "result_http_status"),
        migrations.RenameField("KeyCandidate", "outcome_message", "result_message"),
        migrations.RenameField("ImportDraftRow", "outcome_message", "result_message"),
        migrations.RenameField("ImportDraftRow", "verdict", "state"),
        migrations.RenameField("ImportDraftRow", "fate", "save_state"),
        migrations.SeparateDatabaseAndState(
            state_operations=[
                migrations.AddIndex(
                    "importdraftrow",
                    models.Index(
                        fields=["lease_until"],
                        condition=models.Q(state="waiting"),
                        name="import_row_waits",
                    ),
                ),
                migrations.AddIndex(
                    "importdraftrow",
                    models.Index(
                        fields=["draft"],
                        condition=models.Q(save_state="keeping"),
                        name="import_row_keeps",
                    ),
                ),
            ]
        ),
    ]
