"""Who acts, as the audit log records it."""

from django.http import HttpRequest

from freddy_admin.accounts.client_ip import client_ip
from freddy_admin.accounts.models import User
from freddy_admin.audit.services import Actor

VISITOR = "somebody not signed in"


def actor_from_request(request: HttpRequest) -> Actor:
    """The person who sends this request, with the address it comes from."""
    return actor_from_user(getattr(request, "user", None), request)


def actor_from_user(user: object, request: HttpRequest | None) -> Actor:
    """The actor for `user` at `request`; a visitor where `user` is not a `User`."""
    address = client_ip(request) if request else None
    if not isinstance(user, User):
        return Actor(name=VISITOR, address=address)
    name = f"{user.name} ({user.email})" if user.name else user.email
    return Actor(name=name, id=user.pk, address=address)
