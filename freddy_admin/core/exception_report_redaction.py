"""What Django writes about an error of ours, on its page and in its mails: where, and no values.

Django hides what is marked as sensitive, and only outside DEBUG. Here nothing has to be marked:
no value of a variable, of a form, of a cookie or of a header that may carry a secret is written
down, in any mode.
"""

import re
from collections.abc import ItemsView
from types import FrameType
from typing import Any

from django.http import HttpRequest, QueryDict
from django.views.debug import ExceptionReporter, SafeExceptionReporterFilter

from freddy_admin.core.log_formatting import redact_secret_paths

REDACTED = SafeExceptionReporterFilter.cleansed_substitute


class RedactingExceptionReporterFilter(SafeExceptionReporterFilter):
    """Keeps the names of variables and fields and redacts their values."""

    # Of a request's head and of the settings, what could hold a secret; addresses hold passwords.
    hidden_settings = re.compile(
        "API|AUTH|TOKEN|KEY|SECRET|PASS|SIGNATURE|COOKIE|_UR[IL]$|REFERER|DATABASES|CACHES|EMAIL"
        "|QUERY|PATH_INFO",
        re.I,
    )

    def is_active(self, request: HttpRequest | None) -> bool:
        """True in any mode: keys are pasted into a developer's panel as well."""
        del request
        return True

    def get_post_parameters(self, request: HttpRequest | None) -> Any:
        """The names of the fields that were sent."""
        redacted = QueryDict(mutable=True)
        for name in request.POST if request is not None else ():
            redacted[name] = REDACTED
        return redacted

    def get_safe_cookies(self, request: HttpRequest) -> dict[str, str]:
        """The names of the cookies."""
        return dict.fromkeys(getattr(request, "COOKIES", {}), REDACTED)

    def get_traceback_frame_variables(
        self, request: HttpRequest | None, tb_frame: FrameType
    ) -> ItemsView[str, Any]:
        """The names and kinds of the variables."""
        del request
        return {name: type(value).__name__ for name, value in tb_frame.f_locals.items()}.items()


class RedactingExceptionReporter(ExceptionReporter):
    """Reports the address without its query string and its secrets."""

    def get_traceback_data(self) -> dict[str, Any]:
        """What Django's page and mail are made of."""
        data: dict[str, Any] = super().get_traceback_data()
        if self.request is not None:
            data["request_GET_items"] = [(name, REDACTED) for name in self.request.GET]
            data["request_FILES_items"] = [(name, REDACTED) for name in self.request.FILES]
            data["request_insecure_uri"] = redact_secret_paths(self.request.path)
            # The request itself names its whole address to whoever prints it.
            data["request"] = {
                "META": {"REQUEST_METHOD": self.request.method},
                "path_info": redact_secret_paths(self.request.path_info),
                "GET": bool(self.request.GET),
                "FILES": bool(self.request.FILES),
                "COOKIES": bool(self.request.COOKIES),
            }
        return data
