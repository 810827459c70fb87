"""Who an address and a password belong to: the same work for every address, known or not."""

from typing import Any

from allauth.account.auth_backends import AuthenticationBackend
from django.core.exceptions import PermissionDenied
from django.http import HttpRequest
from django.views.decorators.debug import sensitive_variables

from freddy_admin.accounts.models import User
from freddy_admin.accounts.selectors import address_typed
from freddy_admin.core.forms import TEXT_AT_MOST


class PasswordBackend(AuthenticationBackend):  # type: ignore[misc]
    """One look-up and one hash each time, so that neither time nor work tells who is known."""

    @sensitive_variables("credentials", "password")
    def authenticate(self, request: HttpRequest | None, **credentials: Any) -> User:
        """The person; raises PermissionDenied, so that no other backend is asked.

        The library's own, behind this one, only keeps sessions open that began with it.
        """
        email = address_typed(credentials.get("email"))
        password = str(credentials.get("password") or "")
        if len(password) > TEXT_AT_MOST:
            raise PermissionDenied  # nobody's: none so long can be chosen
        person = User.objects.filter(email=email).first()
        if person is None:
            User().set_password(password)
        # Django works out a hash for a password that nobody can use, too.
        elif person.check_password(password) and self.user_can_authenticate(person):
            return person
        raise PermissionDenied
