"""Who acts in the tests of organisations."""

from freddy_admin.audit.services import Actor
from tests.people import member_create, user_create

__all__ = ["ACTOR", "member_create", "user_create"]

ACTOR = Actor(name="tester", address="127.0.0.1")
