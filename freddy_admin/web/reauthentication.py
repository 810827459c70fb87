"""Asks the user to authenticate again before keys, members and second factors change."""

from collections.abc import Callable
from functools import wraps
from typing import Any, Concatenate, ParamSpec

from django.http import HttpRequest
from django.http.response import HttpResponseBase
from django.urls import NoReverseMatch, reverse

from freddy_admin.accounts.auth.reauthentication import run_after_reauthentication

P = ParamSpec("P")
ViewFunction = Callable[Concatenate[HttpRequest, P], HttpResponseBase]


def reauthentication_required(
    *,
    return_view: str = "",
    is_download: bool = False,
    condition: Callable[[HttpRequest], bool] | None = None,
) -> Callable[[ViewFunction[P]], Callable[..., HttpResponseBase]]:
    """Stands below the access decorator, so that strangers and small roles are refused first.

    A user who has not authenticated for 15 minutes is asked to, in place; then the request is done
    or the page opened. Secrets they typed are not kept: the view must refuse to go on without
    them. `return_view` is the URL name of the page to go on to where the view's own URL cannot be
    opened or `is_download`; it is reversed with the view's arguments, or with none. `condition`
    decides by the request whether to ask; without it every request is asked.
    """

    def decorate(view: ViewFunction[P]) -> Callable[..., HttpResponseBase]:
        @wraps(view)
        def wrapper(request: HttpRequest, *args: P.args, **kwargs: P.kwargs) -> HttpResponseBase:
            if condition is not None and not condition(request):
                return view(request, *args, **kwargs)
            return run_after_reauthentication(
                request,
                lambda: view(request, *args, **kwargs),
                back=_build_return_url(request, return_view),
                downloads=is_download,
            )

        # Read by the test that lists the views with reauthentication.
        wrapper.requires_reauthentication = True  # type: ignore[attr-defined]
        return wrapper

    return decorate


def _build_return_url(request: HttpRequest, name: str) -> str:
    match = request.resolver_match
    if not name or match is None:
        return ""
    arguments: dict[str, Any] = match.kwargs
    try:
        return reverse(name, args=match.args, kwargs=arguments)
    except NoReverseMatch:  # the list page takes no arguments
        return reverse(name)
