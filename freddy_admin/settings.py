"""All settings, read from the environment or `.env`; `docs/settings.md` explains each."""

from datetime import timedelta
from pathlib import Path
from urllib.parse import urlsplit

from csp.constants import NONE, SELF
from django.utils.translation import gettext_lazy as _

from freddy_admin.accounts.auth.allauth_settings import *  # noqa: F403  how the sign-in library works
from freddy_admin.conf import master_key_settings as master_keys
from freddy_admin.conf import setting_parsers as conf
from freddy_admin.conf.api_environments import parse_environments, parse_key_headers
from freddy_admin.conf.django_settings import (
    build_cache_settings,
    build_database_settings,
    build_email_settings,
    build_logging_settings,
    parse_redis_url,
    parse_worker_database_url,
    sqlite_url,
)
from freddy_admin.conf.environment import Environment
from freddy_admin.conf.oidc_settings import parse_oidc_settings
from freddy_admin.conf.outbound_settings import (
    parse_ca_file,
    parse_outbound_allowed_hosts,
    parse_outbound_proxy,
)

BASE_DIR = Path(__file__).resolve().parent.parent
VERSION = "0.4.1"

env = Environment()
env.read_env_file(env.str("ENV_FILE", default=""), default_file=BASE_DIR / ".env")

# --- Hosts, secrets and sign-in -----------------------------------------------
DEBUG = conf.parse_bool("DEBUG", env, default=False)
SECRET_KEY = conf.parse_secret_key(env.str("SECRET_KEY", default=""), debug=DEBUG)
# What they signed, sealed and chained is still accepted; only SECRET_KEY makes anything new.
SECRET_KEY_FALLBACKS = conf.parse_secret_key_fallbacks(
    env.str("SECRET_KEY_FALLBACKS", default=""), current=SECRET_KEY
)
ALLOWED_HOSTS = conf.parse_allowed_hosts(
    env.str("ALLOWED_HOSTS", default="localhost,127.0.0.1,[::1]"), debug=DEBUG
)
# How many proxies of our own add the sender's address to X-Forwarded-For; 0 believes none.
TRUSTED_PROXIES = conf.parse_small_integer("TRUSTED_PROXIES", env, default=0)
PLAIN_HTTP = conf.validate_plain_http(
    conf.parse_bool("PLAIN_HTTP", env, default=False), hosts=ALLOWED_HOSTS
)
# Where people reach the panel, and links in mails lead: never a host that a request named.
PANEL_URL = conf.parse_panel_url(
    env.str("PANEL_URL", default=""), hosts=ALLOWED_HOSTS, is_trial=DEBUG or PLAIN_HTTP
)
# Where the panel is below a path, every address begins with it; cookies keep the path `/`.
FORCE_SCRIPT_NAME = urlsplit(PANEL_URL).path or None
CSRF_TRUSTED_ORIGINS = conf.parse_csrf_trusted_origins(
    env.str("CSRF_TRUSTED_ORIGINS", default=""), panel_url=PANEL_URL
)
# Single sign-on, off while these are empty. People are found by it, never made.
OIDC_ISSUER, OIDC_CLIENT_ID, OIDC_CLIENT_SECRET, OIDC_NAME = parse_oidc_settings(
    env.str("OIDC_ISSUER", default=""),
    env.str("OIDC_CLIENT_ID", default=""),
    env.str("OIDC_CLIENT_SECRET", default=""),
    env.str("OIDC_NAME", default="single sign-on"),
)
REQUIRE_MFA = conf.parse_require_mfa(env.str("REQUIRE_MFA", default="off" if DEBUG else "admins"))

# --- Master keys --------------------------------------------------------------
AWS_REGION = master_keys.parse_aws_region(env.str("AWS_REGION", default=""))
AWS_KMS_ENDPOINT = master_keys.parse_kms_endpoint(env.str("AWS_KMS_ENDPOINT", default=""))
# Wrapped: of no use without KMS, which the worker and the commands ask once, at their start.
ENCRYPTION_KEYS_KMS = master_keys.parse_wrapped_keys(
    env.str("ENCRYPTION_KEYS_KMS", default=""),
    private=env.str("ENCRYPTION_KEYS", default=""),
    public=env.str("ENCRYPTION_PUBLIC_KEY", default=""),
    region=AWS_REGION,
)
ENCRYPTION_KEYS, ENCRYPTION_PUBLIC_KEY = master_keys.parse_encryption_keys(
    env.str("ENCRYPTION_KEYS", default=""),
    env.str("ENCRYPTION_PUBLIC_KEY", default=""),
    debug=DEBUG,
)

# --- The Aitronos API ---------------------------------------------------------
AITRONOS_API_BASE_URL = conf.parse_api_base_url(
    env.str("AITRONOS_API_BASE_URL", default="https://api.aitronos.com")
)
AITRONOS_API_KEY_HEADER = parse_key_headers(env.str("AITRONOS_API_KEY_HEADER", default="X-API-Key"))
# Those beside the one above; read them all with `conf.api_environments.api_environments`.
AITRONOS_ENVIRONMENTS = parse_environments(
    env.str("AITRONOS_ENVIRONMENTS", default=""), key_headers=AITRONOS_API_KEY_HEADER
)
AITRONOS_CALLS = conf.parse_on_off("AITRONOS_CALLS", env.str("AITRONOS_CALLS", default="on"))
SUPPORT_CONTACT = conf.parse_support_contact(env.str("SUPPORT_CONTACT", default=""))
AITRONOS_CONNECT_TIMEOUT = conf.parse_seconds("AITRONOS_CONNECT_TIMEOUT", env, default=5.0)
AITRONOS_READ_TIMEOUT = conf.parse_seconds("AITRONOS_READ_TIMEOUT", env, default=15.0)
AITRONOS_TOTAL_TIMEOUT = conf.parse_seconds(
    "AITRONOS_TOTAL_TIMEOUT", env, default=AITRONOS_CONNECT_TIMEOUT + 2 * AITRONOS_READ_TIMEOUT
)
# A sync that is started answers when it is over, so it has a limit of its own.
AITRONOS_SYNC_TIMEOUT = conf.parse_seconds("AITRONOS_SYNC_TIMEOUT", env, default=120.0)
STATUS_FRESH_SECONDS = conf.parse_seconds("STATUS_FRESH_SECONDS", env, default=60.0)
STATUS_CHECK_SECONDS = conf.parse_seconds("STATUS_CHECK_SECONDS", env, default=300.0)
AITRONOS_DAILY_CALLS = conf.parse_daily_calls(env.str("AITRONOS_DAILY_CALLS", default="10000"))

# --- The way out: to Aitronos, to single sign-on and to addresses that people enter ---
OUTBOUND_CA_FILE = parse_ca_file(env.str("OUTBOUND_CA_FILE", default=""))
OUTBOUND_PROXY = parse_outbound_proxy(env.str("OUTBOUND_PROXY", default=""))
OUTBOUND_ALLOWED_HOSTS = parse_outbound_allowed_hosts(env.str("OUTBOUND_ALLOWED_HOSTS", default=""))
# Told every five minutes that the panel itself works, so that somebody learns when it does not.
HEARTBEAT_URL = conf.parse_heartbeat_url(env.str("HEARTBEAT_URL", default=""))
_PAGERDUTY_EVENTS_URL = "https://events.pagerduty.com/v2/enqueue"
PAGERDUTY_EVENTS_URL = conf.parse_api_base_url(
    env.str("PAGERDUTY_EVENTS_URL", default=_PAGERDUTY_EVENTS_URL),
    name="PAGERDUTY_EVENTS_URL",
    example=_PAGERDUTY_EVENTS_URL,
)

# --- History, and the demo's clock --------------------------------------------
HISTORY_DAYS = conf.parse_days("HISTORY_DAYS", env, default=400, minimum=31)
# How many seconds of the panel's clock pass in a real one, counted from CLOCK_SINCE.
CLOCK_SPEED, CLOCK_SINCE = conf.parse_clock_speed(
    env.str("CLOCK_SPEED", default=""),
    env.str("CLOCK_SINCE", default=""),
    is_trial=PLAIN_HTTP or DEBUG,
)

# --- Apps and middleware ------------------------------------------------------
INSTALLED_APPS = [
    "django.contrib.auth",
    "django.contrib.contenttypes",
    "django.contrib.sessions",
    "django.contrib.messages",
    "whitenoise.runserver_nostatic",
    "django.contrib.staticfiles",
    "allauth",
    "allauth.account",
    "allauth.mfa",
    "allauth.socialaccount",
    "allauth.socialaccount.providers.openid_connect",
    "django_htmx",
    "csp",
    "freddy_admin.core",
    "freddy_admin.audit",
    "freddy_admin.accounts",
    "freddy_admin.organisations",
    "freddy_admin.vault",
    "freddy_admin.sync",
    "freddy_admin.alerts",
    "freddy_admin.web",
    "freddy_admin.ops",
]

MIDDLEWARE = [
    # Around everything, so that every answer and every log line can be named.
    "freddy_admin.web.middleware.RequestIdMiddleware",
    # Before all others, so that a redirect to https and a refused host carry their headers, too.
    "csp.middleware.CSPMiddleware",
    "django_permissions_policy.PermissionsPolicyMiddleware",
    "django.middleware.security.SecurityMiddleware",
    "freddy_admin.web.middleware.CompressionMiddleware",
    "freddy_admin.web.middleware.PrivateHeadersMiddleware",
    "whitenoise.middleware.WhiteNoiseMiddleware",
    "freddy_admin.web.middleware.KnownMethodsMiddleware",
    "freddy_admin.web.middleware.BodyLimitMiddleware",
    # Around everything that writes, sessions included.
    "freddy_admin.web.middleware.DatabaseFaultMiddleware",
    "freddy_admin.accounts.middleware.ReadOnlyTolerantSessionMiddleware",
    "django.middleware.locale.LocaleMiddleware",
    "django.middleware.common.CommonMiddleware",
    "django.middleware.csrf.CsrfViewMiddleware",
    "freddy_admin.accounts.middleware.UserAuthenticationMiddleware",
    "freddy_admin.accounts.middleware.SessionTrackingMiddleware",
    "freddy_admin.accounts.middleware.SignInRequiredMiddleware",
    "django.contrib.messages.middleware.MessageMiddleware",
    "django.middleware.clickjacking.XFrameOptionsMiddleware",
    "allauth.account.middleware.AccountMiddleware",
    "django_htmx.middleware.HtmxMiddleware",
    "freddy_admin.web.middleware.AccessDeniedMiddleware",
    "freddy_admin.accounts.middleware.TimeZoneMiddleware",
    "freddy_admin.accounts.middleware.SecondFactorRequiredMiddleware",
    # Last, so that it counts only what would be done.
    "freddy_admin.web.middleware.WriteLimitMiddleware",
]

ROOT_URLCONF = "freddy_admin.urls"
WSGI_APPLICATION = "freddy_admin.wsgi.application"

TEMPLATES = [
    {
        "BACKEND": "django.template.backends.django.DjangoTemplates",
        "DIRS": [BASE_DIR / "templates"],
        "APP_DIRS": True,
        "OPTIONS": {
            "context_processors": [
                "django.template.context_processors.request",
                "django.contrib.auth.context_processors.auth",
                "django.contrib.messages.context_processors.messages",
                "freddy_admin.web.context_processors.shell_context",
            ],
        },
    },
]

# --- Database, cache and sessions ---------------------------------------------
DATABASES = {
    "default": build_database_settings(env, default=sqlite_url(BASE_DIR / "var" / "freddy.sqlite3"))
}
_IS_POSTGRESQL = DATABASES["default"]["ENGINE"].endswith("postgresql")
# A direct connection for LISTEN, where that of DATABASE_URL goes through a pooler.
WORKER_DATABASE_URL = parse_worker_database_url(
    env.str("WORKER_DATABASE_URL", default=""), is_postgresql=_IS_POSTGRESQL
)
if _IS_POSTGRESQL:
    # Its migrations are PostgreSQL's SQL. Our tasks are no modules that it is to look for.
    INSTALLED_APPS += ["procrastinate.contrib.django"]
    PROCRASTINATE_AUTODISCOVER_MODULE_NAME = ""
DEFAULT_AUTO_FIELD = "django.db.models.BigAutoField"
REDIS_URL = parse_redis_url(env.str("REDIS_URL", default=""))
CACHES = build_cache_settings(REDIS_URL)
SESSION_ENGINE = "freddy_admin.accounts.sessions"  # keys hashed, content sealed

# --- People -------------------------------------------------------------------
AUTH_USER_MODEL = "accounts.User"
AUTHENTICATION_BACKENDS = [
    "freddy_admin.accounts.auth.backends.PasswordBackend",
    "allauth.account.auth_backends.AuthenticationBackend",  # of sessions that began with it
]
# Django's own, in slots: not all of the machine's cores hash at once.
PASSWORD_HASHERS = ["freddy_admin.accounts.auth.backends.QueuedPasswordHasher"]
AUTH_PASSWORD_VALIDATORS = [
    {"NAME": "django.contrib.auth.password_validation.UserAttributeSimilarityValidator"},
    {
        "NAME": "django.contrib.auth.password_validation.MinimumLengthValidator",
        "OPTIONS": {"min_length": 8},
    },
    {"NAME": "django.contrib.auth.password_validation.CommonPasswordValidator"},
    {"NAME": "freddy_admin.accounts.auth.password_validators.PanelNameValidator"},
]
LOGIN_URL = "account_login"
LOGIN_REDIRECT_URL = "overview"
LOGOUT_REDIRECT_URL = "account_login"
vars().update(build_email_settings(env))
EMAIL_TIMEOUT = 10
DEFAULT_FROM_EMAIL = env.str("DEFAULT_FROM_EMAIL", default="freddy-admin@localhost")

# --- Language and time --------------------------------------------------------
LANGUAGE_CODE = "en"
LANGUAGES = [("en", _("English"))]
LOCALE_PATHS = [BASE_DIR / "locale"]
USE_I18N = True
USE_TZ = True
TIME_ZONE = "UTC"

# --- Static files: served by WhiteNoise straight from `static/`; `make assets` writes its dist/ --
STATIC_URL = f"{FORCE_SCRIPT_NAME or ''}/static/"
STATICFILES_DIRS = [BASE_DIR / "static"]
STATIC_ROOT = None  # nothing is collected: WhiteNoise finds the files where they are
STORAGES = {
    "default": {"BACKEND": "django.core.files.storage.FileSystemStorage"},
    "staticfiles": {"BACKEND": "freddy_admin.web.staticfiles.FingerprintStorage"},
}
WHITENOISE_USE_FINDERS = True
WHITENOISE_MAX_AGE = 31_536_000  # addresses carry a fingerprint of the file

# --- Cookies and security headers ---------------------------------------------
SESSION_COOKIE_HTTPONLY = True
SESSION_COOKIE_SAMESITE = "Lax"
SESSION_COOKIE_AGE = int(timedelta(days=14).total_seconds())
CSRF_COOKIE_HTTPONLY = True
CSRF_COOKIE_SAMESITE = "Lax"
CSRF_FAILURE_VIEW = "freddy_admin.web.pages.error.views.csrf_failure_view"
SECURE_COOKIES = not DEBUG and not PLAIN_HTTP
SESSION_COOKIE_SECURE = SECURE_COOKIES
CSRF_COOKIE_SECURE = SECURE_COOKIES
SESSION_COOKIE_NAME = "__Host-sessionid" if SECURE_COOKIES else "sessionid"
CSRF_COOKIE_NAME = "__Host-csrftoken" if SECURE_COOKIES else "csrftoken"
SECURE_SSL_REDIRECT = SECURE_COOKIES
# Probes speak http; a program that does is refused, for a redirect would hide that it gives its
# token away. The API's own description is a page for people.
SECURE_REDIRECT_EXEMPT = conf.build_redirect_exempt_patterns(FORCE_SCRIPT_NAME)
SECURE_HSTS_SECONDS = 63_072_000 if SECURE_COOKIES else 0
SECURE_HSTS_INCLUDE_SUBDOMAINS = SECURE_COOKIES
SECURE_HSTS_PRELOAD = SECURE_COOKIES
SECURE_PROXY_SSL_HEADER = ("HTTP_X_FORWARDED_PROTO", "https") if SECURE_COOKIES else None
SECURE_CONTENT_TYPE_NOSNIFF = True
SECURE_REFERRER_POLICY = "same-origin"
SECURE_CROSS_ORIGIN_OPENER_POLICY = "same-origin"
X_FRAME_OPTIONS = "DENY"
# Pasted and uploaded keys stay in memory: no handler ever writes a part of them to the disk.
FILE_UPLOAD_HANDLERS = ["django.core.files.uploadhandler.MemoryFileUploadHandler"]
# Of a form; a whole body is held to less than twice that, see `BodyLimitMiddleware`.
DATA_UPLOAD_MAX_MEMORY_SIZE = 1_048_576
DATA_UPLOAD_MAX_NUMBER_FIELDS = 200
CONTENT_SECURITY_POLICY = {
    "DIRECTIVES": {
        "default-src": [NONE],
        "object-src": [NONE],
        "script-src": [SELF],
        "style-src": [SELF],
        "img-src": [SELF, "data:"],
        "font-src": [SELF],
        "connect-src": [SELF],
        "manifest-src": [SELF],
        "form-action": [SELF],
        "base-uri": [NONE],
        "frame-ancestors": [NONE],
    },
}
# A page may use none of the browser's features that ask for consent.
PERMISSIONS_POLICY: dict[str, list[str]] = {
    "accelerometer": [],
    "autoplay": [],
    "camera": [],
    "display-capture": [],
    "encrypted-media": [],
    "fullscreen": [],
    "geolocation": [],
    "gyroscope": [],
    "magnetometer": [],
    "microphone": [],
    "midi": [],
    "payment": [],
    "picture-in-picture": [],
    "usb": [],
    "xr-spatial-tracking": [],
}

# --- Logging ------------------------------------------------------------------
LOGGING = build_logging_settings(level=env.str("LOG_LEVEL", default="INFO"))
DEFAULT_EXCEPTION_REPORTER = (
    "freddy_admin.core.exception_report_redaction.RedactingExceptionReporter"
)
DEFAULT_EXCEPTION_REPORTER_FILTER = (
    "freddy_admin.core.exception_report_redaction.RedactingExceptionReporterFilter"
)
SILENCED_SYSTEM_CHECKS: list[str] = []
