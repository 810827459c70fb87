"""A wrong setting stops the start with its name and the way out, and never with its value."""

import base64
from typing import Any

import pytest
from django.core.exceptions import ImproperlyConfigured

from freddy_admin.core import backends
from freddy_admin.core import configuration as conf
from freddy_admin.core.environment import Environment, Files
from tests.crypto.keys import FIRST, public_of

GOOD_KEY = base64.urlsafe_b64encode(bytes(range(32))).decode()
SHORT_KEY = base64.urlsafe_b64encode(b"planted-and-far-too-short").decode()


class Given(Environment):
    """An environment of its own, so that a test changes nothing outside."""

    def __init__(self, **values: str) -> None:
        super().__init__()
        self.ENVIRON = Files()
        self.ENVIRON.env = values


REFUSED: list[tuple[str, str, Any]] = [
    ("SECRET_KEY", "", lambda v: conf.secret_key(v, debug=False)),
    ("SECRET_KEY", "planted-short", lambda v: conf.secret_key(v, debug=False)),
    ("SECRET_KEY", "ab" * 40, lambda v: conf.secret_key(v, debug=False)),
    ("SECRET_KEY", conf.DEBUG_SECRET_KEY, lambda v: conf.secret_key(v, debug=False)),
    ("SECRET_KEY", "Change-me-0123456789-abcdefghijkl", lambda v: conf.secret_key(v, debug=False)),
    (
        "SECRET_KEY_FALLBACKS",
        "planted-short",
        lambda v: conf.former_secret_keys(v, present=GOOD_KEY),
    ),
    (
        "SECRET_KEY_FALLBACKS",
        GOOD_KEY,
        lambda v: conf.former_secret_keys(v, present=GOOD_KEY),
    ),
    (
        "SECRET_KEY_FALLBACKS",
        GOOD_KEY,
        lambda v: conf.former_secret_keys(f"{v},{v}", present="another"),
    ),
    ("ENCRYPTION_KEYS", "", lambda v: conf.encryption(v, "", debug=False)),
    ("ENCRYPTION_KEYS", "planted, not base64!", lambda v: conf.encryption(v, "", debug=False)),
    ("ENCRYPTION_KEYS", SHORT_KEY, lambda v: conf.encryption(v, "", debug=False)),
    ("ENCRYPTION_KEYS", conf.DEBUG_MASTER_KEY, lambda v: conf.encryption(v, "", debug=False)),
    (
        "ENCRYPTION_KEYS",
        base64.urlsafe_b64encode(b"\7" * 32).decode(),
        lambda v: conf.encryption(v, "", debug=False),
    ),
    ("ENCRYPTION_KEYS", GOOD_KEY, lambda v: conf.encryption(f"{v},{v}", "", debug=False)),
    (
        "ENCRYPTION_KEYS (key 2 of 2)",
        "planted-garbage",
        lambda v: conf.encryption(f"{GOOD_KEY},{v}", "", debug=False),
    ),
    ("ENCRYPTION_PUBLIC_KEY", SHORT_KEY, lambda v: conf.encryption(GOOD_KEY, v, debug=False)),
    (
        "ENCRYPTION_PUBLIC_KEY does not belong to the first",  # nobody holds its private half
        public_of(FIRST),
        lambda v: conf.encryption(GOOD_KEY, v, debug=False),
    ),
    (
        "ENCRYPTION_PUBLIC_KEY does not belong to the first",  # the former one, left over
        public_of(FIRST),
        lambda v: conf.encryption(f"{GOOD_KEY},{FIRST}", v, debug=True),
    ),
    ("PLAIN_HTTP", "panel.example.org", lambda v: conf.plain_http(True, hosts=["localhost", v])),
    ("PLAIN_HTTP", "*", lambda v: conf.plain_http(True, hosts=[v])),
    ("REQUIRE_MFA", "planted", conf.require_mfa),
    ("AITRONOS_API_BASE_URL", "planted", conf.api_base_url),
    ("AITRONOS_API_BASE_URL", "ftp://planted.example", conf.api_base_url),
    ("AITRONOS_API_BASE_URL", "http://planted.example", conf.api_base_url),
    ("AITRONOS_API_BASE_URL", "https://planted:pw@api.example", conf.api_base_url),
    ("AITRONOS_API_BASE_URL", "https://api.example/?planted=1", conf.api_base_url),
    ("AITRONOS_API_BASE_URL", "https://api.example/#planted", conf.api_base_url),
    ("AITRONOS_API_BASE_URL", "https://api.example:planted", conf.api_base_url),
    ("AITRONOS_API_BASE_URL", "https://[::planted", conf.api_base_url),
    ("AITRONOS_API_BASE_URL", "https://planted\\@api.example", conf.api_base_url),
    ("AITRONOS_API_BASE_URL", "https://api.example/ planted", conf.api_base_url),
    ("AITRONOS_API_KEY_HEADER", "X-Planted: 1", conf.header_name),
    ("AITRONOS_API_KEY_HEADER", "", conf.header_name),
    ("LOG_LEVEL", "planted", lambda v: backends.logging(level=v)),
    ("REDIS_URL", "planted:6379", backends.redis_url),
]


@pytest.mark.parametrize(("name", "value", "read"), REFUSED)
def test_a_bad_value_is_refused_by_name_and_never_shown(name: str, value: str, read: Any) -> None:
    with pytest.raises(ImproperlyConfigured) as refused:
        read(value)

    assert str(refused.value).startswith(name)
    assert not value or value not in str(refused.value)


@pytest.mark.parametrize("value", ["0", "-1", "planted", "nan", "inf", "86401", "1e400"])
def test_a_time_that_is_no_time_is_refused(value: str) -> None:
    with pytest.raises(ImproperlyConfigured, match="STATUS_FRESH_SECONDS must be a number"):
        conf.seconds("STATUS_FRESH_SECONDS", Given(STATUS_FRESH_SECONDS=value), default=60.0)


@pytest.mark.parametrize("value", ["-1", "17", "planted", "1.5", "²"])
def test_a_number_of_proxies_that_is_none_is_refused(value: str) -> None:
    with pytest.raises(ImproperlyConfigured, match="TRUSTED_PROXIES must be a whole number"):
        conf.count("TRUSTED_PROXIES", Given(TRUSTED_PROXIES=value), default=0)


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
def test_an_address_of_the_wrong_kind_is_refused(name: str, value: str) -> None:
    env = Given(**{name: value})

    with pytest.raises(ImproperlyConfigured) as refused:
        backends.database(env, default="") if name == "DATABASE_URL" else backends.email(env)

    assert str(refused.value).startswith(name)
    assert "planted" not in str(refused.value)


def test_what_is_right_is_taken_as_it_is() -> None:
    assert conf.secret_key("x1y2z3-0123456789-abcdefghijklmno", debug=False)
    assert conf.encryption(f" {GOOD_KEY} ,", "", debug=False) == ([GOOD_KEY], "")
    assert conf.encryption("", GOOD_KEY, debug=False) == ([], GOOD_KEY)
    both = conf.encryption(f"{FIRST},{GOOD_KEY}", public_of(FIRST).rstrip("="), debug=False)
    assert both == ([FIRST, GOOD_KEY], public_of(FIRST).rstrip("="))
    assert conf.plain_http(True, hosts=["localhost", "127.0.0.1", "[::1]"])
    assert not conf.plain_http(False, hosts=["panel.example.org"])
    assert [conf.require_mfa(value) for value in ("off", "admins", "all")]
    assert conf.api_base_url("https://api.example/v1/") == "https://api.example/v1"
    assert conf.api_base_url("http://127.0.0.1:8801") == "http://127.0.0.1:8801"
    assert conf.api_base_url("http://[::1]:8801") == "http://[::1]:8801"
    assert conf.header_name("X-API-Key") == "X-API-Key"
    assert conf.seconds("X", Given(X="2.5"), default=1.0) == 2.5
    assert conf.seconds("X", Given(X=""), default=1.0) == 1.0
    assert conf.count("X", Given(X="2"), default=0) == 2
    assert conf.names(" a.example , ,b.example") == ["a.example", "b.example"]
    assert backends.redis_url("") == ""
    assert backends.redis_url("rediss://cache:6379/1") == "rediss://cache:6379/1"
    assert backends.logging(level="debug")["root"]["level"] == "DEBUG"
    assert backends.email(Given())["EMAIL_BACKEND"].endswith("console.EmailBackend")


def test_debugging_needs_no_secrets() -> None:
    assert conf.secret_key("", debug=True) == conf.DEBUG_SECRET_KEY
    assert conf.encryption("", "", debug=True) == ([conf.DEBUG_MASTER_KEY], "")
    with pytest.raises(ImproperlyConfigured, match="ENCRYPTION_KEYS"):
        conf.encryption("rubbish", "", debug=True)
