from django.apps import AppConfig


class WebConfig(AppConfig):
    name = "freddy_admin.web"
    label = "web"
