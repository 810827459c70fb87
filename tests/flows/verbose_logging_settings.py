"""Settings of a careless operator: every logger at DEBUG, error mails, and a page that crashes
while a key is sent to it."""

import http.client
import os
from typing import Any

from django.db.backends.signals import connection_created
from django.dispatch import receiver

from freddy_admin.settings import *  # noqa: F403
from freddy_admin.settings import LOGGING

ROOT_URLCONF = "tools.security.production_urls"
ADMINS = [("Ada", "ada@example.org")]
EMAIL_BACKEND = "django.core.mail.backends.filebased.EmailBackend"
EMAIL_FILE_PATH = os.environ["MAILS"]

LOGGING["handlers"]["mail"] = {
    "class": "django.utils.log.AdminEmailHandler",
    "level": "ERROR",
    "include_html": True,
}
LOGGING["root"] = {"handlers": ["stderr", "mail"], "level": "DEBUG"}
LOGGING["loggers"] = {
    name: {"level": "DEBUG"}
    for name in ("django", "django.db.backends", "django.server", "urllib3", "requests", "botocore")
}
http.client.HTTPConnection.debuglevel = 1


@receiver(connection_created)
def _log_every_statement(connection: Any, **_: Any) -> None:
    connection.force_debug_cursor = True
