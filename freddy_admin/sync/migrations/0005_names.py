"""Tables and columns get the names of their models' fields; no row of the history is rewritten."""

from django.db import migrations, models


class Migration(migrations.Migration):
    # Renaming a model renames its content type, also on the way back.
    dependencies = [
        ("sync", "0004_states_index"),
        ("contenttypes", "0002_remove_content_type_name"),
    ]

    operations = [
        migrations.RenameModel("KeySync", "SyncStatus"),
        migrations.RenameModel("WorkerBeat", "WorkerHeartbeat"),
        migrations.RenameModel("CheckCount", "CheckCounter"),
        migrations.RenameModel("Listing", "CatalogSnapshot"),
        migrations.RenameModel("Order", "RemoteOperation"),
        migrations.RenameModel("OrderBatch", "OperationBatch"),
        # The database renames the columns inside its indexes by itself.
        migrations.SeparateDatabaseAndState(
            state_operations=[
                migrations.RemoveIndex("catalogsnapshot", "listing_wanted"),
                migrations.RemoveIndex("syncstatus", "sync_figures"),
            ]
        ),
        migrations.RenameField("SyncStatus", "told_state", "recorded_state"),
        migrations.RenameField("SyncStatus", "told_at", "recorded_at"),
        migrations.RenameField("SyncStatus", "told_sync_at", "recorded_sync_at"),
        migrations.RenameField("SyncStatus", "told_skip_at", "recorded_skip_at"),
        migrations.RenameField("SyncStatus", "told_error", "recorded_error_digest"),
        migrations.RenameField("SyncStatus", "run_mark", "run_digest"),
        migrations.RenameField("SyncStatus", "run_from", "run_started_at"),
        migrations.RenameField("SyncStatus", "figures_mark", "figures_digest"),
        migrations.RenameField("SyncStatus", "figures_before", "previous_figures_digest"),
        migrations.RenameField("SyncStatus", "figures_count", "figures_check_count"),
        migrations.RenameField("SyncStatus", "misfit_since", "master_key_misfit_since"),
        migrations.RenameField("SyncStatus", "order_at", "operation_requested_at"),
        migrations.RenameField("SyncStatus", "order_state", "operation_state"),
        migrations.RenameField("SyncStatus", "order_by", "operation_requested_by"),
        migrations.RenameField("WorkerHeartbeat", "beat_at", "heartbeat_at"),
        migrations.RenameField("CatalogSnapshot", "wanted_at", "refresh_requested_at"),
        migrations.SeparateDatabaseAndState(
            state_operations=[
                migrations.AddIndex(
                    "catalogsnapshot",
                    models.Index(fields=["refresh_requested_at"], name="listing_wanted"),
                ),
                migrations.AddIndex(
                    "syncstatus", models.Index(fields=["figures_digest"], name="sync_figures")
                ),
            ]
        ),
        # The accessors of related rows: the database knows nothing of them.
        migrations.AlterField(
            "syncstatus",
            "key",
            models.OneToOneField(
                on_delete=models.CASCADE,
                primary_key=True,
                related_name="sync_status",
                serialize=False,
                to="vault.apikey",
            ),
        ),
        migrations.AlterField(
            "remoteoperation",
            "batch",
            models.ForeignKey(
                null=True,
                on_delete=models.CASCADE,
                related_name="operations",
                to="sync.operationbatch",
            ),
        ),
    ]
