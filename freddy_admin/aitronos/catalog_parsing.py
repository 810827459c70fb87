"""The responses that are catalogs: bounded, each item strict, the wrong one named."""

from freddy_admin.aitronos.field_parsing import (
    JsonObject,
    iterate_objects,
    parse_count,
    parse_optional_bool,
    parse_optional_datetime,
    parse_optional_text,
    parse_optional_texts,
    parse_text,
)
from freddy_admin.aitronos.text_cleaning import ID_LENGTH
from freddy_admin.aitronos.types import AuthConfig, AuthConfigList, Connector, ConnectorPage

NAME_LENGTH, DESCRIPTION_LENGTH, CATEGORY_LENGTH = 120, 300, 64


def parse_auth_configs(body: JsonObject) -> AuthConfigList:
    """The response of *List auth configs*. Raises UnreadableResponse with the field."""
    items = tuple(
        _parse_auth_config(item, prefix) for prefix, item in iterate_objects(body, "auth_configs")
    )
    return AuthConfigList(items=items, total=parse_count(body, "total"))


def parse_connector_page(body: JsonObject) -> ConnectorPage:
    """The response of *List available connectors*. Raises UnreadableResponse with the field."""
    return ConnectorPage(
        connectors=tuple(
            _parse_connector(item, prefix) for prefix, item in iterate_objects(body, "connectors")
        ),
        categories=parse_optional_texts(body, "categories", CATEGORY_LENGTH),
        total=parse_count(body, "total"),
        returned=parse_count(body, "returned"),
    )


def _parse_auth_config(item: JsonObject, prefix: str) -> AuthConfig:
    return AuthConfig(
        id=parse_text(item, "id", ID_LENGTH, prefix),
        toolkit=parse_optional_text(item, "toolkit", NAME_LENGTH, prefix),
        type=parse_optional_text(item, "type", CATEGORY_LENGTH, prefix),
        created_at=parse_optional_datetime(item, "created_at", prefix),
    )


def _parse_connector(item: JsonObject, prefix: str) -> Connector:
    return Connector(
        id=parse_text(item, "id", ID_LENGTH, prefix),
        tool_key=parse_text(item, "tool_key", ID_LENGTH, prefix),
        display_name=parse_text(item, "display_name", NAME_LENGTH, prefix),
        description=parse_optional_text(item, "description", DESCRIPTION_LENGTH, prefix),
        category=parse_optional_text(item, "category", CATEGORY_LENGTH, prefix),
        is_connected=parse_optional_bool(item, "is_connected", prefix),
        connection_id=parse_optional_text(item, "connection_id", ID_LENGTH, prefix),
        release_channel=parse_optional_text(item, "release_channel", CATEGORY_LENGTH, prefix),
    )
