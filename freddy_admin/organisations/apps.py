from django.apps import AppConfig


class OrganisationsConfig(AppConfig):
    name = "freddy_admin.organisations"
    label = "organisations"

    def ready(self) -> None:
        """Connect the receivers of the signals that `accounts.people` sends."""
        from freddy_admin.organisations import membership_roles  # noqa: F401
