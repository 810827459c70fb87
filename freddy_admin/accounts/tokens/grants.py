"""What a request may do that carries a panel token."""

from dataclasses import dataclass, field

from freddy_admin.accounts.models import TokenScope, User


@dataclass(frozen=True, slots=True)
class Grant:
    """A good token: whose it is, and what it leaves of what that person may do.

    `organisation_ids` is None for all of the person's organisations.
    """

    user: User
    token_id: int
    name: str
    scope: TokenScope
    organisation_ids: frozenset[int] | None

    @property
    def may_act(self) -> bool:
        """Whether the token may do more than read."""
        return self.scope == TokenScope.ACT

    def covers(self, organisation_id: int) -> bool:
        """Whether the token is for this organisation; what its person may there is asked apart."""
        return self.organisation_ids is None or organisation_id in self.organisation_ids


@dataclass(frozen=True, slots=True)
class TokenWish:
    """What a new token shall be for; `organisation_ids` None means all, `days` None for good."""

    scope: str = TokenScope.READ
    organisation_ids: frozenset[int] | None = field(default=None)
    days: int | None = None
