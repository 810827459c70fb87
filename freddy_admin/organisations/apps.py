from django.apps import AppConfig


class OrganisationsConfig(AppConfig):
    name = "freddy_admin.organisations"
    label = "organisations"
