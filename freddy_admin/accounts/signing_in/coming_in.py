"""Signs somebody in who has just set a password, the way the sign-in library does."""

from allauth.account.internal.flows.login import record_authentication
from allauth.account.utils import perform_login
from django.http import HttpRequest, HttpResponse

from freddy_admin.accounts.models import User


def signed_in_at_once(request: HttpRequest, user: User, *, to: str) -> HttpResponse:
    """The answer that leads on, through whatever second step this panel asks for."""
    record_authentication(request, user, method="password", email=user.email)
    answer: HttpResponse = perform_login(request, user, email_verification="none", redirect_url=to)
    return answer
