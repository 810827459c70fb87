from django.apps import AppConfig


class OrganisationsConfig(AppConfig):
    name = "freddy_admin.organisations"
    label = "organisations"

    def ready(self) -> None:
        """Listen to what the room below says of people's rights."""
        from freddy_admin.organisations import standing  # noqa: F401
