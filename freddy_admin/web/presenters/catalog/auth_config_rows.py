"""The auth configs of a catalog, ready for its page."""

from collections.abc import Sequence
from dataclasses import dataclass

from django.utils.safestring import SafeString

from freddy_admin.aitronos.types import AuthConfig
from freddy_admin.web.presenters.key_rows import NO_VALUE
from freddy_admin.wording.times import UserTime


@dataclass(frozen=True, slots=True)
class AuthConfigRow:
    """One auth config."""

    name: str
    type: str
    id: str
    created: SafeString | str
    text: str
    category: str = ""


def auth_config_rows(
    auth_configs: Sequence[AuthConfig], user_time: UserTime
) -> list[AuthConfigRow]:
    """A row per auth config, in the order of Aitronos."""
    return [_auth_config_row(auth_config, user_time) for auth_config in auth_configs]


def _auth_config_row(auth_config: AuthConfig, user_time: UserTime) -> AuthConfigRow:
    at = auth_config.created_at
    created = f"{user_time.format_clock(at)}\n{user_time.format_exact(at)}" if at else ""
    return AuthConfigRow(
        name=auth_config.toolkit or auth_config.id,
        type=auth_config.type or NO_VALUE,
        id=auth_config.id,
        created=user_time.render_clock(at) if at else NO_VALUE,
        text=f"{auth_config.toolkit}\n{auth_config.type}\n{auth_config.id}\n{created}",
    )
