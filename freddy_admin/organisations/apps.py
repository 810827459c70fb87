from django.apps import AppConfig


class OrganisationsConfig(AppConfig):
    name = "freddy_admin.organisations"
    label = "organisations"

    def ready(self) -> None:
        """Connect the receivers of the signals of `accounts.people`; register what is mailed."""
        from freddy_admin.core.view_changes import view_change_triggers_register
        from freddy_admin.organisations import invitation_mail, membership_roles  # noqa: F401
        from freddy_admin.organisations.view_change_triggers import VIEW_CHANGE_TRIGGERS

        view_change_triggers_register(*VIEW_CHANGE_TRIGGERS)
