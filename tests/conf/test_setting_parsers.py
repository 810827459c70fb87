"""An invalid setting is refused with its name and what to do, and never with its value."""

import base64
from typing import Any

import pytest
from django.core.exceptions import ImproperlyConfigured

from freddy_admin.conf import master_key_settings as master_keys
from freddy_admin.conf import setting_parsers as conf
from freddy_admin.conf.api_environments import parse_key_headers
from freddy_admin.conf.django_settings import (
    build_database_settings,
    build_email_settings,
    build_logging_settings,
    parse_redis_url,
)
from freddy_admin.conf.environment import Environment, EnvironmentMapping
from tests.crypto.master_keys import FIRST, public_key_text

GOOD_KEY = base64.urlsafe_b64encode(bytes(range(32))).decode()
SHORT_KEY = base64.urlsafe_b64encode(b"planted-and-far-too-short").decode()


class EnvironmentFromValues(Environment):
    """An environment with these values alone, so that a test changes nothing outside."""

    def __init__(self, **values: str) -> None:
        super().__init__()
        self.ENVIRON = EnvironmentMapping()
        self.ENVIRON.env = values


REFUSED_SETTINGS: list[tuple[str, str, Any]] = [
    *(
        ("SUPPORT_CONTACT", contact, conf.parse_support_contact)
        for contact in (
            *("javascript:planted()", "data:text/html,planted", "tel:+41441234567", "planted"),
            *("a@b", "mailto:planted@example.org?cc=x@example.org", "//planted.example.org"),
            *(
                "https:///planted",
                f"https://planted:{'x'}@example.org",
                "https://example.org/ planted",
            ),
            *("https://example.org:port/planted", "planted@example.org, other@example.org"),
        )
    ),
    ("SECRET_KEY", "", lambda v: conf.parse_secret_key(v, debug=False)),
    ("SECRET_KEY", "planted-short", lambda v: conf.parse_secret_key(v, debug=False)),
    ("SECRET_KEY", "ab" * 40, lambda v: conf.parse_secret_key(v, debug=False)),
    ("SECRET_KEY", conf.DEBUG_SECRET_KEY, lambda v: conf.parse_secret_key(v, debug=False)),
    (
        "SECRET_KEY",
        "Change-me-0123456789-abcdefghijkl",
        lambda v: conf.parse_secret_key(v, debug=False),
    ),
    (
        "SECRET_KEY_FALLBACKS",
        "planted-short",
        lambda v: conf.parse_secret_key_fallbacks(v, current=GOOD_KEY),
    ),
    (
        "SECRET_KEY_FALLBACKS",
        GOOD_KEY,
        lambda v: conf.parse_secret_key_fallbacks(v, current=GOOD_KEY),
    ),
    (
        "SECRET_KEY_FALLBACKS",
        GOOD_KEY,
        lambda v: conf.parse_secret_key_fallbacks(f"{v},{v}", current="another"),
    ),
    ("ENCRYPTION_KEYS", "", lambda v: master_keys.parse_encryption_keys(v, "", debug=False)),
    (
        "ENCRYPTION_KEYS",
        "planted, not base64!",
        lambda v: master_keys.parse_encryption_keys(v, "", debug=False),
    ),
    ("ENCRYPTION_KEYS", SHORT_KEY, lambda v: master_keys.parse_encryption_keys(v, "", debug=False)),
    (
        "ENCRYPTION_KEYS",
        master_keys.DEBUG_MASTER_KEY,
        lambda v: master_keys.parse_encryption_keys(v, "", debug=False),
    ),
    (
        "ENCRYPTION_KEYS",
        base64.urlsafe_b64encode(b"\7" * 32).decode(),
        lambda v: master_keys.parse_encryption_keys(v, "", debug=False),
    ),
    (
        "ENCRYPTION_KEYS",
        GOOD_KEY,
        lambda v: master_keys.parse_encryption_keys(f"{v},{v}", "", debug=False),
    ),
    (
        "ENCRYPTION_KEYS (key 2 of 2)",
        "planted-garbage",
        lambda v: master_keys.parse_encryption_keys(f"{GOOD_KEY},{v}", "", debug=False),
    ),
    (
        "ENCRYPTION_PUBLIC_KEY",
        SHORT_KEY,
        lambda v: master_keys.parse_encryption_keys(GOOD_KEY, v, debug=False),
    ),
    (
        "ENCRYPTION_PUBLIC_KEY does not belong to the first",  # nobody holds its private half
        public_key_text(FIRST),
        lambda v: master_keys.parse_encryption_keys(GOOD_KEY, v, debug=False),
    ),
    (
        "ENCRYPTION_PUBLIC_KEY does not belong to the first",  # the former one, left over
        public_key_text(FIRST),
        lambda v: master_keys.parse_encryption_keys(f"{GOOD_KEY},{FIRST}", v, debug=True),
    ),
    (
        "PLAIN_HTTP",
        "panel.example.org",
        lambda v: conf.validate_plain_http(True, hosts=["localhost", v]),
    ),
    ("PLAIN_HTTP", "*", lambda v: conf.validate_plain_http(True, hosts=[v])),
    ("REQUIRE_MFA", "planted", conf.parse_require_mfa),
    ("AITRONOS_API_BASE_URL", "planted", conf.parse_api_base_url),
    ("AITRONOS_API_BASE_URL", "ftp://planted.example", conf.parse_api_base_url),
    ("AITRONOS_API_BASE_URL", "http://planted.example", conf.parse_api_base_url),
    ("AITRONOS_API_BASE_URL", "https://planted:pw@api.example", conf.parse_api_base_url),
    ("AITRONOS_API_BASE_URL", "https://api.example/?planted=1", conf.parse_api_base_url),
    ("AITRONOS_API_BASE_URL", "https://api.example/#planted", conf.parse_api_base_url),
    ("AITRONOS_API_BASE_URL", "https://api.example:planted", conf.parse_api_base_url),
    ("AITRONOS_API_BASE_URL", "https://[::planted", conf.parse_api_base_url),
    ("AITRONOS_API_BASE_URL", "https://planted\\@api.example", conf.parse_api_base_url),
    ("AITRONOS_API_BASE_URL", "https://api.example/ planted", conf.parse_api_base_url),
    ("AITRONOS_API_BASE_URL", "https://planted..example", conf.parse_api_base_url),
    ("AITRONOS_API_BASE_URL", "https://pl\u00e4nted.example", conf.parse_api_base_url),
    ("AITRONOS_API_BASE_URL", "https://planted.example:0", conf.parse_api_base_url),
    ("AITRONOS_API_KEY_HEADER", "X-Planted: 1", parse_key_headers),
    ("AITRONOS_API_KEY_HEADER", "", parse_key_headers),
    ("LOG_LEVEL", "planted", lambda v: build_logging_settings(level=v)),
    ("REDIS_URL", "planted:6379", parse_redis_url),
    ("REDIS_URL", "redis://:pw,planted@cache:6379/0", parse_redis_url),
    ("REDIS_URL", "redis://:pw;planted@cache:6379/0", parse_redis_url),
    ("REDIS_URL", "redis://:pw#planted@cache:6379/0", parse_redis_url),
    ("REDIS_URL", "redis://:pw?planted@cache:6379/0", parse_redis_url),
    ("REDIS_URL", "redis://:12/planted@cache:6379/0", parse_redis_url),
    ("REDIS_URL", "redis://planted-a:6379,redis://planted-b:6379", parse_redis_url),
    ("REDIS_URL", "redis://cache:planted/0", parse_redis_url),
    ("REDIS_URL", "redis://cache/planted", parse_redis_url),
    ("REDIS_URL", "redis://:planted@", parse_redis_url),
    ("REDIS_URL", "unix://planted", parse_redis_url),
]


@pytest.mark.parametrize(("name", "value", "parse"), REFUSED_SETTINGS)
def test_an_invalid_setting_is_refused_by_name_and_never_shown(
    name: str, value: str, parse: Any
) -> None:
    with pytest.raises(ImproperlyConfigured) as raised:
        parse(value)

    assert str(raised.value).startswith(name)
    assert not value or value not in str(raised.value)


@pytest.mark.parametrize("value", ["0", "-1", "planted", "nan", "inf", "86401", "1e400"])
def test_an_invalid_number_of_seconds_is_refused(value: str) -> None:
    with pytest.raises(ImproperlyConfigured, match="STATUS_FRESH_SECONDS must be a number"):
        conf.parse_seconds(
            "STATUS_FRESH_SECONDS", EnvironmentFromValues(STATUS_FRESH_SECONDS=value), default=60.0
        )


@pytest.mark.parametrize("value", ["-1", "17", "planted", "1.5", "²"])
def test_an_invalid_number_of_proxies_is_refused(value: str) -> None:
    with pytest.raises(ImproperlyConfigured, match="TRUSTED_PROXIES must be a whole number"):
        conf.parse_small_integer(
            "TRUSTED_PROXIES", EnvironmentFromValues(TRUSTED_PROXIES=value), default=0
        )


@pytest.mark.parametrize(
    "value",
    [
        "planted",
        "postgres//planted",
        "mysql://u:planted@h/x",
        "postgres://u:p@h:planted/x",
        "postgres://u:12/planted@h:5432/x",
    ],
)
@pytest.mark.parametrize("name", ["DATABASE_URL", "EMAIL_URL"])
def test_an_invalid_database_or_email_url_is_refused(name: str, value: str) -> None:
    env = EnvironmentFromValues(**{name: value})

    def build() -> object:
        if name == "DATABASE_URL":
            return build_database_settings(env, default="")
        return build_email_settings(env)

    with pytest.raises(ImproperlyConfigured) as raised:
        build()

    assert str(raised.value).startswith(name)
    assert "planted" not in str(raised.value)


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("DATABASE_URL", "postgres://u:12?planted@h:5432/x"),
        ("EMAIL_URL", "smtp+tls://u:12#planted@h:587"),
        ("EMAIL_URL", "smtp+tls://u:12?planted@h:587"),
        ("EMAIL_URL", "smtp+tls://u:12/planted@h:587"),
        ("EMAIL_URL", "smtps://"),
    ],
)
def test_a_password_with_raw_signs_is_refused_and_not_taken_for_a_host(
    name: str, value: str
) -> None:
    env = EnvironmentFromValues(**{name: value})
    build = {
        "DATABASE_URL": lambda: build_database_settings(env, default=""),
        "EMAIL_URL": lambda: build_email_settings(env),
    }[name]
    with pytest.raises(ImproperlyConfigured) as raised:
        build()

    assert str(raised.value).startswith(name)
    assert "planted" not in str(raised.value)


def test_valid_settings_are_accepted() -> None:
    assert conf.parse_secret_key("x1y2z3-0123456789-abcdefghijklmno", debug=False)
    assert master_keys.parse_encryption_keys(f" {GOOD_KEY} ,", "", debug=False) == ([GOOD_KEY], "")
    assert master_keys.parse_encryption_keys("", GOOD_KEY, debug=False) == ([], GOOD_KEY)
    key_pair = master_keys.parse_encryption_keys(
        f"{FIRST},{GOOD_KEY}", public_key_text(FIRST).rstrip("="), debug=False
    )
    assert key_pair == ([FIRST, GOOD_KEY], public_key_text(FIRST).rstrip("="))
    assert conf.validate_plain_http(True, hosts=["localhost", "127.0.0.1", "[::1]"])
    assert not conf.validate_plain_http(False, hosts=["panel.example.org"])
    assert [conf.parse_require_mfa(value) for value in ("off", "admins", "all")]
    assert conf.parse_api_base_url("https://api.example/v1/") == "https://api.example/v1"
    assert conf.parse_api_base_url("http://127.0.0.1:8801") == "http://127.0.0.1:8801"
    assert conf.parse_api_base_url("http://[::1]:8801") == "http://[::1]:8801"
    assert conf.parse_seconds("X", EnvironmentFromValues(X="2.5"), default=1.0) == 2.5
    assert conf.parse_seconds("X", EnvironmentFromValues(X=""), default=1.0) == 1.0
    assert conf.parse_small_integer("X", EnvironmentFromValues(X="2"), default=0) == 2
    assert conf.parse_comma_list(" a.example , ,b.example") == ["a.example", "b.example"]
    assert parse_redis_url("") == ""
    for url in (
        "rediss://cache:6379/1",
        "redis://user:p%2Cw%3B%23@cache",
        "rediss://cache/?ssl_cert_reqs=none",
        "unix:///run/redis.sock?db=1",
        "redis://[::1]:6379/0",
    ):
        assert parse_redis_url(url) == url
    assert build_logging_settings(level="debug")["root"]["level"] == "DEBUG"
    assert build_email_settings(EnvironmentFromValues())["EMAIL_BACKEND"].endswith(
        "console.EmailBackend"
    )


def test_debug_mode_needs_no_secrets() -> None:
    assert conf.parse_secret_key("", debug=True) == conf.DEBUG_SECRET_KEY
    assert master_keys.parse_encryption_keys("", "", debug=True) == (
        [master_keys.DEBUG_MASTER_KEY],
        "",
    )
    with pytest.raises(ImproperlyConfigured, match="ENCRYPTION_KEYS"):
        master_keys.parse_encryption_keys("rubbish", "", debug=True)


@pytest.mark.parametrize("text", ["", "0", "-1", "1.5", "ten", "10_000", "1000000001", "9" * 30])
def test_daily_calls_that_are_no_number_of_calls_name_the_setting(text: str) -> None:
    with pytest.raises(ImproperlyConfigured, match="AITRONOS_DAILY_CALLS must be a whole number"):
        conf.parse_daily_calls(text)


def test_daily_calls_are_read() -> None:
    assert conf.parse_daily_calls(" 100000 ") == 100_000


@pytest.mark.parametrize(
    ("value", "link"),
    [
        ("", ""),
        ("support@aitronos.com", "mailto:support@aitronos.com"),
        (" mailto:support@aitronos.com ", "mailto:support@aitronos.com"),
        ("https://help.example.org/new?queue=aitronos", None),
        ("http://help.example.org", None),
    ],
)
def test_support_contact_is_a_mail_or_a_page(value: str, link: str | None) -> None:
    assert conf.parse_support_contact(value) == (value if link is None else link)
