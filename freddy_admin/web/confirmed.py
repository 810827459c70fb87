"""Before keys, members and second factors change, the person shows that it is still them."""

from collections.abc import Callable
from functools import wraps
from typing import Any, Concatenate, ParamSpec

from django.http import HttpRequest
from django.http.response import HttpResponseBase
from django.urls import reverse

from freddy_admin.accounts.second_factor.confirmation import confirmation_ask, recently_confirmed

P = ParamSpec("P")
Page = Callable[Concatenate[HttpRequest, P], HttpResponseBase]


def confirmed_recently(*, back: str = "") -> Callable[[Page[P]], Callable[..., HttpResponseBase]]:
    """Goes below the gate, so that strangers and small roles are turned away first.

    Whoever has not confirmed for 15 minutes is asked to, and then comes back to the page they
    wanted; what they sent is not kept. `back` names the page to come back to where the view's own
    address cannot be opened; it is given the same arguments.
    """

    def decorate(view: Page[P]) -> Callable[..., HttpResponseBase]:
        @wraps(view)
        def asked(request: HttpRequest, *args: P.args, **kwargs: P.kwargs) -> HttpResponseBase:
            if recently_confirmed(request):
                return view(request, *args, **kwargs)
            return confirmation_ask(request, back=_return_to(request, back))

        # Read by the test that lists what has to be confirmed.
        asked.asks_confirmation = True  # type: ignore[attr-defined]
        return asked

    return decorate


def _return_to(request: HttpRequest, name: str) -> str:
    match = request.resolver_match
    if not name or match is None:
        return request.get_full_path()
    arguments: dict[str, Any] = match.kwargs
    return reverse(name, args=match.args, kwargs=arguments)
