"""Tables and columns get the names of their models' fields; no row of the history is rewritten."""

from django.db import migrations


class Migration(migrations.Migration):
    # Renaming a model renames its content type, also on the way back.
    dependencies = [("core", "0003_clock_state"), ("contenttypes", "0002_remove_content_type_name")]

    operations = [
        migrations.RenameModel("LimitCount", "RateLimitCount"),
        migrations.RenameField("ClockState", "apart", "skew_seconds"),
        migrations.RenameField("ClockState", "ahead_by", "jump_seconds"),
        migrations.RenameField("ClockState", "ahead_from", "future_from"),
        migrations.RenameField("ClockState", "pruned_to", "history_pruned_to"),
        migrations.RenameField("ClockState", "pruned_at", "history_pruned_at"),
    ]
