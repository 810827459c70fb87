"""The kind of user that a compiled query is for."""

from dataclasses import dataclass

from django.db.models import BigIntegerField

from freddy_admin.accounts.models import User
from freddy_admin.core.compiled_queries import Param


@dataclass(frozen=True, slots=True)
class Audience:
    """One signed-in user, or any user of their kind: then `pk` is a parameter."""

    pk: int | Param
    is_platform_admin: bool


ADMIN_AUDIENCE = Audience(Param("person", BigIntegerField()), is_platform_admin=True)
MEMBER_AUDIENCE = Audience(Param("person", BigIntegerField()), is_platform_admin=False)


def audience_for(user: User) -> Audience:
    """The audience that `user` belongs to; their pk is bound when the query runs."""
    return ADMIN_AUDIENCE if user.is_platform_admin else MEMBER_AUDIENCE
