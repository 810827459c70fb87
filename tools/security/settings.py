"""Production's settings, with one page more: one that breaks."""

from freddy_admin.settings import *  # noqa: F403

ROOT_URLCONF = "tools.security.urls"
