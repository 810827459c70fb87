"""Who an address and a password belong to: the same work for every address, known or not."""

from typing import Any

from allauth.account.auth_backends import AuthenticationBackend
from django.core.exceptions import PermissionDenied
from django.http import HttpRequest
from django.views.decorators.debug import sensitive_variables

from freddy_admin.accounts.models import User
from freddy_admin.accounts.person_lookup import email_normalize
from freddy_admin.core.forms import DEFAULT_TEXT_MAX_LENGTH


class PasswordBackend(AuthenticationBackend):  # type: ignore[misc]
    """One look-up and one hash each time, so that neither time nor work tells who is known."""

    @sensitive_variables("credentials", "password")
    def authenticate(self, request: HttpRequest | None, **credentials: Any) -> User:
        """The person; raises PermissionDenied, so that no other backend is asked.

        allauth's backend, listed behind this one, only keeps sessions valid that began with it.
        """
        email = email_normalize(credentials.get("email"))
        password = str(credentials.get("password") or "")
        if len(password) > DEFAULT_TEXT_MAX_LENGTH:
            raise PermissionDenied  # nobody's: none so long can be chosen
        person = User.objects.filter(email=email).first()
        if person is None:
            User().set_password(password)
        # Django works out a hash for a password that nobody can use, too.
        elif person.check_password(password) and self.user_can_authenticate(person):
            return person
        raise PermissionDenied
