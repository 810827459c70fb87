"""The panel's way out: the settings it takes, and what people are told of an address they typed."""

from typing import Any

import pytest

from freddy_admin.core.errors import InvalidInput
from freddy_admin.core.network import http_transport, typed_url_parse
from freddy_admin.outbound.guard import parse_allowed_hosts
from freddy_admin.outbound.proxy import Proxy
from tests.outbound.test_typed_urls import HOSTILE_URLS


@pytest.mark.parametrize("url", HOSTILE_URLS)
def test_a_hostile_url_is_refused_with_a_sentence(url: str) -> None:
    with pytest.raises(InvalidInput) as raised:
        typed_url_parse(url)
    assert raised.value.field == "url"
    assert raised.value.message.endswith(".")


def test_hosts_that_the_operator_allows_may_be_typed(settings: Any) -> None:
    with pytest.raises(InvalidInput, match="no public address"):
        typed_url_parse("https://hooks.intranet.corp/x")
    settings.OUTBOUND_ALLOWED_HOSTS = parse_allowed_hosts("hooks.intranet.corp")
    assert typed_url_parse("https://hooks.intranet.corp/x").is_allowed
    assert not typed_url_parse("https://hooks.example.org/x").is_allowed


def test_transport_is_kept_until_settings_change(settings: Any) -> None:
    first = http_transport()
    assert http_transport() is first
    settings.OUTBOUND_PROXY = Proxy("proxy.example", 3128)
    assert http_transport() is not first
