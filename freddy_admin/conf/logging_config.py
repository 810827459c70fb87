"""Builds Django's settings of logging from `LOG_LEVEL`."""

from typing import Any

from django.core.exceptions import ImproperlyConfigured


def build_logging_settings(*, level: str) -> dict[str, Any]:
    """`LOGGING`: one line an event on stderr; debugging of the HTTP libraries is always off."""
    if level.upper() not in {"DEBUG", "INFO", "WARNING", "ERROR", "CRITICAL"}:
        raise ImproperlyConfigured("LOG_LEVEL must be DEBUG, INFO, WARNING, ERROR or CRITICAL.")
    return {
        "version": 1,
        "disable_existing_loggers": False,
        "filters": {"request": {"()": "freddy_admin.core.request_ids.RequestIdFilter"}},
        "formatters": {"line": {"()": "freddy_admin.core.log_formatting.OneLineFormatter"}},
        "handlers": {
            "stderr": {
                "class": "logging.StreamHandler",
                "formatter": "line",
                "filters": ["request"],
            }
        },
        "root": {"handlers": ["stderr"], "level": level.upper()},
        "loggers": {
            "django": {"level": "INFO", "handlers": [], "propagate": True},
            "django.server": {"level": "INFO", "handlers": [], "propagate": True},
            "django.db.backends": {"level": "INFO"},
            "urllib3": {"level": "WARNING"},
            "requests": {"level": "WARNING"},
            "botocore": {"level": "WARNING"},
        },
    }
