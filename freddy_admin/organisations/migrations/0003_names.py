"""Tables and columns get the names of their models' fields; no row of the history is rewritten."""

from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [("organisations", "0002_invitations")]

    operations = [
        # The database renames the columns inside its indexes by itself.
        migrations.SeparateDatabaseAndState(
            state_operations=[
                migrations.RemoveConstraint("invitation", "one_open_invitation_per_address"),
            ]
        ),
        migrations.RenameField("Invitation", "asked_at", "requested_at"),
        migrations.RenameField("Invitation", "ended_at", "closed_at"),
        migrations.SeparateDatabaseAndState(
            state_operations=[
                migrations.AddConstraint(
                    "invitation",
                    models.UniqueConstraint(
                        fields=["organisation", "email"],
                        condition=models.Q(closed_at=None),
                        name="one_open_invitation_per_address",
                    ),
                ),
            ]
        ),
    ]
