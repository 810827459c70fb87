"""What an API token allows, and the options to create one with."""

from dataclasses import dataclass, field

from freddy_admin.accounts.models import TokenScope, User


@dataclass(frozen=True, slots=True)
class ApiTokenGrant:
    """A valid token: its person, and the limits it sets to what that person may do.

    `organisation_ids` is None for all of the person's organisations.
    """

    user: User
    token_id: int
    name: str
    scope: TokenScope
    organisation_ids: frozenset[int] | None

    @property
    def can_act(self) -> bool:
        """Whether the token may do more than read."""
        return self.scope == TokenScope.ACT

    def covers_organisation(self, organisation_id: int) -> bool:
        """Whether the token is for this organisation; the person's role is checked elsewhere."""
        return self.organisation_ids is None or organisation_id in self.organisation_ids


@dataclass(frozen=True, slots=True)
class ApiTokenOptions:
    """Limits of a new token; `organisation_ids` None means all, `days` None no expiry."""

    scope: str = TokenScope.READ
    organisation_ids: frozenset[int] | None = field(default=None)
    days: int | None = None
