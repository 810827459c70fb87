"""Production's settings, with the URLs that include a page that crashes."""

from freddy_admin.settings import *  # noqa: F403

ROOT_URLCONF = "tools.security.production_urls"
