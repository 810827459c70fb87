"""Why a form was refused before anything read it: where it came from, or what came without it."""

from typing import NamedTuple

from django.middleware.csrf import (
    REASON_MALFORMED_REFERER,
    REASON_NO_CSRF_COOKIE,
    REASON_NO_REFERER,
)
from django.utils.translation import gettext as _


class CsrfFailureWording(NamedTuple):
    """What the page says; `hint` is empty where sending the form again is enough."""

    title: str
    sentence: str
    hint: str = ""


def csrf_failure_wording(
    reason: str, *, origin: str, host: str, panel_url: str, cookie: str
) -> CsrfFailureWording:
    """The wording for Django's `reason`.

    `origin` is where the form came from, empty if unknown; `host` what the browser asked for.
    """
    if reason == REASON_NO_CSRF_COOKIE:
        return CsrfFailureWording(
            _("Your browser sent no cookie"),
            _("The cookie %(name)s has to come with each form. Nothing was changed.")
            % {"name": cookie},
            _(
                "Allow cookies for this address, open %(panel)s anew and send it again. If that is "
                "not what your browser shows as the panel's address, whoever runs the panel has to "
                "correct PANEL_URL."
            )
            % {"panel": panel_url},
        )
    is_about_origin = reason.startswith(("Origin checking", "Referer checking"))
    if is_about_origin and (
        reason in {REASON_NO_REFERER, REASON_MALFORMED_REFERER} or "null" in reason
    ):
        return CsrfFailureWording(
            _("Your browser did not say where this form came from"),
            _("It sent neither Origin nor Referer. Nothing was changed."),
            _(
                "An extension, a setting of the browser or a proxy on the way takes them away: let "
                "them through to this panel, open the page anew and send it again."
            ),
        )
    if is_about_origin:
        return CsrfFailureWording(
            _("This form came from another address"),
            _(
                "It came from %(origin)s, and this panel is %(panel)s (it was asked for as "
                "%(host)s). Nothing was changed."
            )
            % {
                "origin": origin or _("an address that cannot be read"),
                "panel": panel_url,
                "host": host,
            },
            _(
                "If the first is what your browser shows as the panel's address, whoever runs the "
                "panel sets PANEL_URL to it, or adds it to CSRF_TRUSTED_ORIGINS; a proxy has to "
                "pass on the Host header with its port. If not, close the page that sent it."
            ),
        )
    return CsrfFailureWording(
        _("This form is no longer valid"),
        _(
            "Most likely you signed in again in another tab, or it was open for a long time. "
            "Nothing was changed."
        ),
    )
