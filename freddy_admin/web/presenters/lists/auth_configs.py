"""How connectors sign in, ready for the list."""

from collections.abc import Sequence
from dataclasses import dataclass

from django.utils.safestring import SafeString

from freddy_admin.aitronos.types import AuthConfig
from freddy_admin.web.presenters.rows import NEVER
from freddy_admin.web.presenters.times import Reading


@dataclass(frozen=True, slots=True)
class AuthConfigRow:
    """One auth config."""

    name: str
    type: str
    id: str
    created: SafeString | str
    text: str
    category: str = ""


def auth_config_rows(found: Sequence[AuthConfig], on: Reading) -> list[AuthConfigRow]:
    """In the order of Aitronos."""
    return [_row(one, on) for one in found]


def _row(one: AuthConfig, on: Reading) -> AuthConfigRow:
    at = one.created_at
    created = f"{on.clock(at)}\n{on.exact(at)}" if at else ""
    return AuthConfigRow(
        name=one.toolkit or one.id,
        type=one.type or NEVER,
        id=one.id,
        created=on.at(at) if at else NEVER,
        text=f"{one.toolkit}\n{one.type}\n{one.id}\n{created}",
    )
