"""What pages show of people other than their reader: whoever changes it, `core.view_changes`."""

from freddy_admin.core.view_changes import ViewChangeTrigger

VIEW_CHANGE_TRIGGERS = (
    # An owner, or who acknowledged: in whichever organisation. One who is deleted is taken out of
    # the rows that name them, and a new one is named nowhere yet.
    ViewChangeTrigger(
        table="accounts_user",
        columns=("email", "name", "is_active", "is_platform_admin"),
        organisation=None,
        ignored=("id", "password", "last_login", "time_zone", "theme", "created_at"),
        events=("UPDATE",),
    ),
)
