from django.apps import AppConfig


class OrganisationsConfig(AppConfig):
    name = "freddy_admin.organisations"
    label = "organisations"

    def ready(self) -> None:
        """Connect the receivers of the signals of `accounts.people`; register what is mailed."""
        from freddy_admin.organisations import invitation_mail, membership_roles  # noqa: F401
