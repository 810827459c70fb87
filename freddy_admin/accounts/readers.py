"""Whoever looks at a list, as far as its SQL goes: for statements that are put together once."""

from dataclasses import dataclass

from django.db.models import BigIntegerField

from freddy_admin.accounts.models import User
from freddy_admin.core.prepared import Slot


@dataclass(frozen=True, slots=True)
class Reader:
    """A person who is signed in, or anyone of their kind: then `pk` is a slot."""

    pk: int | Slot
    is_platform_admin: bool


ANY_ADMIN = Reader(Slot("person", BigIntegerField()), is_platform_admin=True)
ANY_MEMBER = Reader(Slot("person", BigIntegerField()), is_platform_admin=False)


def any_reader(user: User) -> Reader:
    """The kind of this person; their own number is given when the statement runs."""
    return ANY_ADMIN if user.is_platform_admin else ANY_MEMBER
