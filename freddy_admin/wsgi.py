"""The WSGI application: `gunicorn freddy_admin.wsgi:application`."""

import os
import sys
from typing import Any

import django
from django.conf import settings
from django.core.exceptions import ImproperlyConfigured
from django.core.handlers.wsgi import WSGIHandler
from django.db import Error as DatabaseFault
from django.db import connection

from freddy_admin.conf.setting_parsers import validate_debug_hosts
from freddy_admin.core.database_version import database_version_validate
from freddy_admin.core.errors import PublicError
from freddy_admin.core.panel_urls import path_in_panel

# gunicorn's own code for a worker that cannot start: it ends instead of trying again at once.
_EXIT_CANNOT_START = 3

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "freddy_admin.settings")


class PanelHandler(WSGIHandler):
    """Django's, which takes a path as it comes: here that of `PANEL_URL` is taken off first.

    Paths without it are served alike, for probes that ask gunicorn itself.
    """

    def __call__(self, environ: dict[str, Any], start_response: Any) -> Any:
        """The response to a request."""
        environ["PATH_INFO"] = path_in_panel(environ.get("PATH_INFO", ""))
        return super().__call__(environ, start_response)


def _load_application() -> WSGIHandler:
    validate_debug_hosts(debug=settings.DEBUG, hosts=settings.ALLOWED_HOSTS)
    django.setup(set_prefix=False)
    loaded = PanelHandler()
    try:
        database_version_validate()
    except DatabaseFault:
        pass  # it may come back: until then pages say that the database is away
    finally:
        connection.close()
    return loaded


try:
    application = _load_application()
except (ImproperlyConfigured, PublicError) as refusal:
    print(f"Freddy Admin cannot start. {refusal}", file=sys.stderr, flush=True)
    sys.exit(_EXIT_CANNOT_START)
