"""The answers that are lists: bounded, each item strict, the wrong one named."""

from freddy_admin.aitronos.fields import (
    Told,
    count,
    flag_if_told,
    moment,
    objects,
    text,
    text_if_told,
    texts_if_told,
)
from freddy_admin.aitronos.text import ID_LENGTH
from freddy_admin.aitronos.types import AuthConfig, AuthConfigs, Connector, ConnectorPage

NAME_LENGTH, DESCRIPTION_LENGTH, CATEGORY_LENGTH = 120, 300, 64


def auth_configs(told: Told) -> AuthConfigs:
    """The answer of *List auth configs*. Raises UnreadableAnswer with the field."""
    items = tuple(_auth_config(one, within) for within, one in objects(told, "auth_configs"))
    return AuthConfigs(items=items, total=count(told, "total"))


def connector_page(told: Told) -> ConnectorPage:
    """The answer of *List available connectors*. Raises UnreadableAnswer with the field."""
    return ConnectorPage(
        connectors=tuple(_connector(one, within) for within, one in objects(told, "connectors")),
        categories=texts_if_told(told, "categories", CATEGORY_LENGTH),
        total=count(told, "total"),
        returned=count(told, "returned"),
    )


def _auth_config(one: Told, within: str) -> AuthConfig:
    return AuthConfig(
        id=text(one, "id", ID_LENGTH, within),
        toolkit=text_if_told(one, "toolkit", NAME_LENGTH, within),
        type=text_if_told(one, "type", CATEGORY_LENGTH, within),
        created_at=moment(one, "created_at", within),
    )


def _connector(one: Told, within: str) -> Connector:
    return Connector(
        id=text(one, "id", ID_LENGTH, within),
        tool_key=text(one, "tool_key", ID_LENGTH, within),
        display_name=text(one, "display_name", NAME_LENGTH, within),
        description=text_if_told(one, "description", DESCRIPTION_LENGTH, within),
        category=text_if_told(one, "category", CATEGORY_LENGTH, within),
        is_connected=flag_if_told(one, "is_connected", within),
        connection_id=text_if_told(one, "connection_id", ID_LENGTH, within),
        release_channel=text_if_told(one, "release_channel", CATEGORY_LENGTH, within),
    )
