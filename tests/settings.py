"""The panel's settings, as the tests run them: nothing is read from a developer's own `.env`."""

import base64
import os

_DATABASE = os.environ.get("TEST_DATABASE_URL", "sqlite:///:memory:")
# Each of pytest-xdist's processes has a database, and so needs a Redis of its own, too.
_REDIS = os.environ.get("TEST_REDIS_URL", "")
if _REDIS:
    _REDIS += "/" + os.environ.get("PYTEST_XDIST_WORKER", "gw0").removeprefix("gw")

# No `.env` is read, no `NAME_FILE` is followed, and what matters is given here.
for _name in [name for name in os.environ if name.endswith("_FILE")]:
    del os.environ[_name]
os.environ.update(
    ENV_FILE=os.devnull,
    LOG_LEVEL="INFO",
    TRUSTED_PROXIES="0",
    DEFAULT_FROM_EMAIL="freddy-admin@localhost",
    SECRET_KEY="tests-only-0123456789-abcdefghijklmnopqrstuvwxyz",
    SECRET_KEY_FALLBACKS="",
    DEBUG="false",
    ALLOWED_HOSTS="localhost,127.0.0.1,[::1]",
    CSRF_TRUSTED_ORIGINS="",
    PANEL_URL="",
    PLAIN_HTTP="true",
    REQUIRE_MFA="off",
    OIDC_ISSUER="",
    OIDC_CLIENT_ID="",
    OIDC_CLIENT_SECRET="",
    OIDC_NAME="Example Login",
    DATABASE_URL=_DATABASE,
    WORKER_DATABASE_URL="",
    REDIS_URL=_REDIS,
    ENCRYPTION_KEYS=base64.urlsafe_b64encode(bytes(range(32))).decode(),
    ENCRYPTION_PUBLIC_KEY="",
    ENCRYPTION_KEYS_KMS="",
    AWS_REGION="",
    AWS_KMS_ENDPOINT="",
    AITRONOS_API_BASE_URL="http://127.0.0.1:9",
    AITRONOS_API_KEY_HEADER="X-API-Key",
    AITRONOS_ENVIRONMENTS="",
    AITRONOS_CONNECT_TIMEOUT="0.5",
    AITRONOS_READ_TIMEOUT="0.5",
    AITRONOS_TOTAL_TIMEOUT="1.5",
    AITRONOS_SYNC_TIMEOUT="1.5",
    HISTORY_DAYS="400",
    CLOCK_SPEED="",
    CLOCK_SINCE="",
    STATUS_FRESH_SECONDS="60",
    STATUS_CHECK_SECONDS="300",
    EMAIL_URL="memorymail://",
    PAGERDUTY_EVENTS_URL="http://127.0.0.1:9",
    OUTBOUND_ALLOWED_HOSTS="",
)

from freddy_admin.settings import *  # noqa: E402, F403

# Each process copies a database that is migrated, where there is one: tests/servers.py.
if _template := os.environ.get("TEST_DATABASE_TEMPLATE"):
    DATABASES["default"]["TEST"] = {"TEMPLATE": _template}  # noqa: F405
PASSWORD_HASHERS = ["django.contrib.auth.hashers.MD5PasswordHasher"]
# A test that works a code out as its half minute ends must not fail for that. The panel itself
# takes a code in its own half minute alone (ASVS 6.5.5).
MFA_TOTP_TOLERANCE = 1
