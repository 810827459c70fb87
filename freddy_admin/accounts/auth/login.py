"""Signs in somebody who has just set a password, through allauth's own login flow."""

from allauth.account.internal.flows.login import record_authentication
from allauth.account.utils import perform_login
from django.http import HttpRequest, HttpResponse

from freddy_admin.accounts.models import User


def login_and_redirect(request: HttpRequest, user: User, *, to: str) -> HttpResponse:
    """Sign `user` in; a redirect to `to`, or first to the second factor where one is due."""
    record_authentication(request, user, method="password", email=user.email)
    response: HttpResponse = perform_login(
        request, user, email_verification="none", redirect_url=to
    )
    return response
