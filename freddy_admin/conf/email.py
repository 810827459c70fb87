"""Builds Django's settings of mail from `EMAIL_URL`."""

from typing import Any

from django.core.exceptions import ImproperlyConfigured


def build_email_settings(env: Any) -> dict[str, Any]:
    """Django's `EMAIL_…` settings from `EMAIL_URL`; without one, messages are printed."""
    try:
        config: dict[str, Any] = env.email_url("EMAIL_URL", default="consolemail://")
    except (ImproperlyConfigured, ValueError, KeyError):
        raise ImproperlyConfigured(
            "EMAIL_URL must look like smtp+tls://user:password@host:587 or consolemail://."
        ) from None
    return config
