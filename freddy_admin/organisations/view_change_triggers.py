"""What pages show of organisations and of who may do what in them; see `core.view_changes`."""

from freddy_admin.core.view_changes import ViewChangeTrigger

VIEW_CHANGE_TRIGGERS = (
    ViewChangeTrigger(
        table="organisations_organisation",
        columns=("name", "slug", "has_key"),
        organisation="{row}.id",
        ignored=("id", "created_at"),
    ),
    ViewChangeTrigger(
        table="organisations_membership",
        columns=("organisation_id", "user_id", "role"),
        ignored=("id", "created_at"),
    ),
    # Whoever is no member any more asks for no change of the organisation.
    ViewChangeTrigger(
        table="organisations_membership",
        name="organisations_former_membership",
        organisation=None,
        events=("DELETE",),
    ),
)
