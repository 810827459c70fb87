"""Before keys, members and second factors change, the person shows that it is still them."""

from collections.abc import Callable
from functools import wraps
from typing import Any, Concatenate, ParamSpec

from django.http import HttpRequest
from django.http.response import HttpResponseBase
from django.urls import NoReverseMatch, reverse

from freddy_admin.accounts.second_factor.confirmation import confirmed_then

P = ParamSpec("P")
Page = Callable[Concatenate[HttpRequest, P], HttpResponseBase]


def confirmed_recently(
    *, back: str = "", downloads: bool = False, when: Callable[[HttpRequest], bool] | None = None
) -> Callable[[Page[P]], Callable[..., HttpResponseBase]]:
    """Goes below the gate, so that strangers and small roles are turned away first.

    Whoever has not confirmed for 15 minutes is asked to, in place, and then what they sent is done,
    or the page they wanted opened. Secrets they typed are not kept: the view must refuse to go on
    without them. `back` names the page to go on to where the view's own address cannot be opened,
    or `downloads` a file; it is given the same arguments, or none. `when` says whether this very
    request asks; without it all do.
    """

    def decorate(view: Page[P]) -> Callable[..., HttpResponseBase]:
        @wraps(view)
        def asked(request: HttpRequest, *args: P.args, **kwargs: P.kwargs) -> HttpResponseBase:
            if when is not None and not when(request):
                return view(request, *args, **kwargs)
            return confirmed_then(
                request,
                lambda: view(request, *args, **kwargs),
                back=_return_to(request, back),
                downloads=downloads,
            )

        # Read by the test that lists what has to be confirmed.
        asked.asks_confirmation = True  # type: ignore[attr-defined]
        return asked

    return decorate


def _return_to(request: HttpRequest, name: str) -> str:
    match = request.resolver_match
    if not name or match is None:
        return ""
    arguments: dict[str, Any] = match.kwargs
    try:
        return reverse(name, args=match.args, kwargs=arguments)
    except NoReverseMatch:  # the page of all of which the address names one
        return reverse(name)
