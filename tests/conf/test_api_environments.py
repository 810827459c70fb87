"""Which environments of the API the settings name, and what stops the start."""

import pytest
from django.core.exceptions import ImproperlyConfigured

from freddy_admin.conf.api_environments import (
    ApiEnvironment,
    parse_environments,
    parse_key_headers,
)

DEFAULT_HEADERS = ("X-API-Key",)
STAGING = "https://staging-api.aitronos.com"


def _parse(value: str) -> tuple[ApiEnvironment, ...]:
    return parse_environments(value, key_headers=DEFAULT_HEADERS)


def test_no_environment_is_named_where_the_setting_is_empty() -> None:
    assert _parse("") == _parse(" , ") == ()


def test_an_environment_has_the_headers_of_the_default_one_unless_it_names_its_own() -> None:
    text = f"staging={STAGING}, EU = https://eu.example/api/ ,eu.header=x-api-key + api-key"
    assert _parse(text) == (
        ApiEnvironment("staging", STAGING, DEFAULT_HEADERS),
        ApiEnvironment("eu", "https://eu.example/api", ("x-api-key", "api-key")),
    )


def test_headers_may_stand_before_the_address() -> None:
    (staging,) = _parse(f"staging.header=api-key,staging={STAGING}")
    assert staging.key_headers == ("api-key",)


def test_an_environment_on_this_machine_may_be_plain_http() -> None:
    (local,) = _parse("local=http://127.0.0.1:8100/staging")
    assert local.host_and_port == ("127.0.0.1", 8100)
    assert local.host == "127.0.0.1:8100/staging"
    assert _parse(f"staging={STAGING}")[0].host_and_port == ("staging-api.aitronos.com", 443)


@pytest.mark.parametrize(
    ("value", "sentence"),
    [
        (f"{STAGING}/planted", "entry 1, must be a name and an address"),
        ("planted=", "entry 1, must be a name and an address"),
        (f"=planted,staging={STAGING}", "entry 1, must begin with a name"),
        ("planted!=https://a.example", "entry 1, must begin with a name"),
        ("1planted=https://a.example", "entry 1, must begin with a name"),
        (f"{'planted' * 5}=https://a.example", "entry 1, must begin with a name"),
        ("default=https://planted.example", "entry 1, is called default"),
        ("default.header=planted", "entry 1, is called default"),
        (f"staging={STAGING},staging=https://planted.example", "entry 2, says again"),
        (f"staging={STAGING},Staging=https://planted.example", "entry 2, says again"),
        (f"staging={STAGING},s.header=a,s.header=planted", "entry 3, says again"),
        (f"staging={STAGING},planted.header=api-key", "entry 2, names headers"),
        (f"staging={STAGING},staging.planted=1", "entry 2, has something else than header"),
        (f"staging={STAGING},staging.=planted", "entry 2, has something else than header"),
        ("staging=http://planted.example", "entry 1, must begin with https://"),
        ("staging=https://planted:pw@a.example", "entry 1, must look like https://"),
        ("staging=https://a.example/?planted=1", "entry 1, must look like https://"),
        (f"staging={STAGING},staging.header=pl anted", "entry 2, must be a header's name"),
        (f"staging={STAGING},staging.header=planted+Planted", "entry 2, names one header twice"),
        (f"staging={STAGING},staging.header=planted+host", "entry 2, names a header that every"),
    ],
)
def test_a_bad_environment_stops_the_start_by_its_number_and_is_never_shown(
    value: str, sentence: str
) -> None:
    with pytest.raises(ImproperlyConfigured) as raised:
        _parse(value)
    assert str(raised.value).startswith(f"AITRONOS_ENVIRONMENTS, {sentence}")
    assert "planted" not in str(raised.value).lower()


def test_the_key_may_be_sent_in_several_headers() -> None:
    assert parse_key_headers("X-API-Key") == ("X-API-Key",)
    assert parse_key_headers(" x-api-key , api-key ") == ("x-api-key", "api-key")


@pytest.mark.parametrize(
    "value", ["x-api-key,", "a,,b", "api-key,API-KEY", "User-Agent", "api-key,Content-Length"]
)
def test_bad_headers_stop_the_start_by_the_name_of_the_setting(value: str) -> None:
    with pytest.raises(ImproperlyConfigured, match=r"^AITRONOS_API_KEY_HEADER "):
        parse_key_headers(value)
