"""The web server's way in: `gunicorn freddy_admin.wsgi:application`."""

import os

from django.core.wsgi import get_wsgi_application

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "freddy_admin.settings")

application = get_wsgi_application()
