"""Tables and columns get the names of their models' fields; no row of the history is rewritten."""

from django.db import migrations


class Migration(migrations.Migration):
    # Renaming a model renames its content type, also on the way back.
    dependencies = [
        ("accounts", "0006_user_sessions"),
        ("contenttypes", "0002_remove_content_type_name"),
    ]

    operations = [
        migrations.RenameModel("FirstLink", "SetupLink"),
        migrations.RenameModel("ResetWish", "PasswordResetRequest"),
        migrations.RenameField("PasswordResetRequest", "asked_at", "requested_at"),
    ]
