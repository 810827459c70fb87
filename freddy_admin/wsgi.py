"""The WSGI application: `gunicorn freddy_admin.wsgi:application`."""

import os

from django.conf import settings
from django.core.wsgi import get_wsgi_application

from freddy_admin.conf.setting_parsers import validate_debug_hosts

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "freddy_admin.settings")
validate_debug_hosts(debug=settings.DEBUG, hosts=settings.ALLOWED_HOSTS)

application = get_wsgi_application()
