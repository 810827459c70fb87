"""Who acts, as the audit log writes it down."""

from django.http import HttpRequest

from freddy_admin.accounts.addresses import client_address
from freddy_admin.accounts.models import User
from freddy_admin.audit.services import Actor

VISITOR = "somebody not signed in"


def actor_of(request: HttpRequest) -> Actor:
    """The person who sends this request, with the address it comes from."""
    return actor_for(getattr(request, "user", None), request)


def actor_for(user: object, request: HttpRequest | None) -> Actor:
    """This person at this request; a visitor where `user` is not a person of ours."""
    address = client_address(request) if request else None
    if not isinstance(user, User):
        return Actor(name=VISITOR, address=address)
    name = f"{user.name} ({user.email})" if user.name else user.email
    return Actor(name=name, id=user.pk, address=address)
