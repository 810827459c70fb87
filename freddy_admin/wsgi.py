"""The web server's way in: `gunicorn freddy_admin.wsgi:application`."""

import os

from django.conf import settings
from django.core.wsgi import get_wsgi_application

from freddy_admin.core.configuration import serving_check

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "freddy_admin.settings")
serving_check(debug=settings.DEBUG, hosts=settings.ALLOWED_HOSTS)

application = get_wsgi_application()
