"""All settings, read from the environment or `.env`; `docs/settings.md` explains each."""

from datetime import timedelta
from pathlib import Path

from csp.constants import NONE, SELF
from django.utils.translation import gettext_lazy as _

from freddy_admin.accounts.signing_in.library_settings import *  # noqa: F403  how the sign-in library works
from freddy_admin.core import backends
from freddy_admin.core import configuration as conf
from freddy_admin.core import wrapped_keys as kms
from freddy_admin.core.environment import Environment
from freddy_admin.core.single_sign_on import oidc

BASE_DIR = Path(__file__).resolve().parent.parent
VERSION = "0.4.0"

env = Environment()
env.read_file(env.str("ENV_FILE", default=""), otherwise=BASE_DIR / ".env")

# --- Who may talk to us -------------------------------------------------------
DEBUG = conf.flag("DEBUG", env, default=False)
SECRET_KEY = conf.secret_key(env.str("SECRET_KEY", default=""), debug=DEBUG)
# What they signed, sealed and chained is still accepted; only SECRET_KEY makes anything new.
SECRET_KEY_FALLBACKS = conf.former_secret_keys(
    env.str("SECRET_KEY_FALLBACKS", default=""), present=SECRET_KEY
)
ALLOWED_HOSTS = conf.allowed_hosts(
    env.str("ALLOWED_HOSTS", default="localhost,127.0.0.1,[::1]"), debug=DEBUG
)
CSRF_TRUSTED_ORIGINS = conf.origins(env.str("CSRF_TRUSTED_ORIGINS", default=""))
# How many proxies of our own add the sender's address to X-Forwarded-For; 0 believes none.
TRUSTED_PROXIES = conf.count("TRUSTED_PROXIES", env, default=0)
PLAIN_HTTP = conf.plain_http(conf.flag("PLAIN_HTTP", env, default=False), hosts=ALLOWED_HOSTS)
# Where links in mails lead: never to a host that somebody's request named.
PANEL_URL = conf.panel_url(
    env.str("PANEL_URL", default=""), hosts=ALLOWED_HOSTS, trial=DEBUG or PLAIN_HTTP
)
# Single sign-on, off while these are empty. People are found by it, never made.
OIDC_ISSUER, OIDC_CLIENT_ID, OIDC_CLIENT_SECRET, OIDC_NAME = oidc(
    env.str("OIDC_ISSUER", default=""),
    env.str("OIDC_CLIENT_ID", default=""),
    env.str("OIDC_CLIENT_SECRET", default=""),
    env.str("OIDC_NAME", default="single sign-on"),
)
REQUIRE_MFA = conf.require_mfa(env.str("REQUIRE_MFA", default="off" if DEBUG else "admins"))

# --- The secrets' room --------------------------------------------------------
AWS_REGION = kms.region(env.str("AWS_REGION", default=""))
AWS_KMS_ENDPOINT = kms.kms_endpoint(env.str("AWS_KMS_ENDPOINT", default=""))
# Wrapped: of no use without KMS, which the worker and the commands ask once, at their start.
ENCRYPTION_KEYS_KMS = kms.wrapped_keys(
    env.str("ENCRYPTION_KEYS_KMS", default=""),
    private=env.str("ENCRYPTION_KEYS", default=""),
    public=env.str("ENCRYPTION_PUBLIC_KEY", default=""),
    region=AWS_REGION,
)
ENCRYPTION_KEYS, ENCRYPTION_PUBLIC_KEY = conf.encryption(
    env.str("ENCRYPTION_KEYS", default=""),
    env.str("ENCRYPTION_PUBLIC_KEY", default=""),
    debug=DEBUG,
)

# --- The Aitronos API ---------------------------------------------------------
AITRONOS_API_BASE_URL = conf.api_base_url(
    env.str("AITRONOS_API_BASE_URL", default="https://api.aitronos.com")
)
AITRONOS_API_KEY_HEADER = conf.header_name(env.str("AITRONOS_API_KEY_HEADER", default="X-API-Key"))
AITRONOS_CONNECT_TIMEOUT = conf.seconds("AITRONOS_CONNECT_TIMEOUT", env, default=5.0)
AITRONOS_READ_TIMEOUT = conf.seconds("AITRONOS_READ_TIMEOUT", env, default=15.0)
AITRONOS_TOTAL_TIMEOUT = conf.seconds(
    "AITRONOS_TOTAL_TIMEOUT", env, default=AITRONOS_CONNECT_TIMEOUT + 2 * AITRONOS_READ_TIMEOUT
)
# A sync that is started answers when it is over, so it has a limit of its own.
AITRONOS_SYNC_TIMEOUT = conf.seconds("AITRONOS_SYNC_TIMEOUT", env, default=120.0)
STATUS_FRESH_SECONDS = conf.seconds("STATUS_FRESH_SECONDS", env, default=60.0)
STATUS_CHECK_SECONDS = conf.seconds("STATUS_CHECK_SECONDS", env, default=300.0)

# --- What is kept, and the demo's clock ---------------------------------------
HISTORY_DAYS = conf.days("HISTORY_DAYS", env, default=400, least=31)
# How many seconds of the panel's clock pass in a real one, counted from CLOCK_SINCE.
CLOCK_SPEED, CLOCK_SINCE = conf.fast_clock(
    env.str("CLOCK_SPEED", default=""),
    env.str("CLOCK_SINCE", default=""),
    trial=PLAIN_HTTP or DEBUG,
)

# --- Parts --------------------------------------------------------------------
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
    "freddy_admin.web",
    "freddy_admin.ops",
]

MIDDLEWARE = [
    # Around everything, so that every answer and every log line can be named.
    "freddy_admin.core.request_ids.RequestIdMiddleware",
    # Before all others, so that a redirect to https and a refused host carry their headers, too.
    "csp.middleware.CSPMiddleware",
    "django_permissions_policy.PermissionsPolicyMiddleware",
    "django.middleware.security.SecurityMiddleware",
    "freddy_admin.web.middleware.PrivateAnswersMiddleware",
    "whitenoise.middleware.WhiteNoiseMiddleware",
    "freddy_admin.web.middleware.KnownMethodsMiddleware",
    "freddy_admin.web.body_limit.BodyLimitMiddleware",
    # Around everything that writes, sessions included.
    "freddy_admin.web.database_faults.DatabaseFaultMiddleware",
    "freddy_admin.accounts.middleware.LenientSessionMiddleware",
    "django.middleware.locale.LocaleMiddleware",
    "django.middleware.common.CommonMiddleware",
    "django.middleware.csrf.CsrfViewMiddleware",
    "freddy_admin.accounts.middleware.PersonMiddleware",
    "freddy_admin.accounts.middleware.SessionsMiddleware",
    "freddy_admin.accounts.middleware.SignedInMiddleware",
    "django.contrib.messages.middleware.MessageMiddleware",
    "django.middleware.clickjacking.XFrameOptionsMiddleware",
    "allauth.account.middleware.AccountMiddleware",
    "django_htmx.middleware.HtmxMiddleware",
    "freddy_admin.web.denials.DeniedAccessMiddleware",
    "freddy_admin.accounts.middleware.TimeZoneMiddleware",
    "freddy_admin.accounts.middleware.SecondFactorMiddleware",
    # Last, so that it counts only what would be done.
    "freddy_admin.web.write_limits.WriteLimitMiddleware",
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
                "freddy_admin.web.context.shell",
            ],
        },
    },
]

# --- Where things are kept ----------------------------------------------------
DATABASES = {
    "default": backends.database(env, default=f"sqlite:///{BASE_DIR / 'var' / 'freddy.sqlite3'}")
}
DEFAULT_AUTO_FIELD = "django.db.models.BigAutoField"
REDIS_URL = backends.redis_url(env.str("REDIS_URL", default=""))
CACHES = backends.caches(REDIS_URL)
SESSION_ENGINE = "freddy_admin.accounts.session_store"  # keys hashed, content sealed

# --- People -------------------------------------------------------------------
AUTH_USER_MODEL = "accounts.User"
AUTHENTICATION_BACKENDS = [
    "freddy_admin.accounts.signing_in.backends.PasswordBackend",
    "allauth.account.auth_backends.AuthenticationBackend",  # of sessions that began with it
]
# Django's own, in slots: not all of the machine's cores hash at once.
PASSWORD_HASHERS = ["freddy_admin.accounts.signing_in.hashing.QueuedPasswordHasher"]
AUTH_PASSWORD_VALIDATORS = [
    {"NAME": "django.contrib.auth.password_validation.UserAttributeSimilarityValidator"},
    {
        "NAME": "django.contrib.auth.password_validation.MinimumLengthValidator",
        "OPTIONS": {"min_length": 8},
    },
    {"NAME": "django.contrib.auth.password_validation.CommonPasswordValidator"},
    {"NAME": "freddy_admin.accounts.signing_in.passwords.OurNamesValidator"},
]
LOGIN_URL = "account_login"
LOGIN_REDIRECT_URL = "overview"
LOGOUT_REDIRECT_URL = "account_login"
vars().update(backends.email(env))
EMAIL_TIMEOUT = 10
DEFAULT_FROM_EMAIL = env.str("DEFAULT_FROM_EMAIL", default="freddy-admin@localhost")

# --- Words and times ----------------------------------------------------------
LANGUAGE_CODE = "en"
LANGUAGES = [("en", _("English"))]
LOCALE_PATHS = [BASE_DIR / "locale"]
USE_I18N = True
USE_TZ = True
TIME_ZONE = "UTC"

# --- Static files: served by WhiteNoise straight from `static/`, no build step --
STATIC_URL = "/static/"
STATICFILES_DIRS = [BASE_DIR / "static"]
STATIC_ROOT = None  # nothing is collected: WhiteNoise finds the files where they are
STORAGES = {
    "default": {"BACKEND": "django.core.files.storage.FileSystemStorage"},
    "staticfiles": {"BACKEND": "freddy_admin.web.staticfiles.FingerprintStorage"},
}
WHITENOISE_USE_FINDERS = True
WHITENOISE_MAX_AGE = 31_536_000  # addresses carry a fingerprint of the file

# --- The wall -----------------------------------------------------------------
SESSION_COOKIE_HTTPONLY = True
SESSION_COOKIE_SAMESITE = "Lax"
SESSION_COOKIE_AGE = int(timedelta(days=14).total_seconds())
CSRF_COOKIE_HTTPONLY = True
CSRF_COOKIE_SAMESITE = "Lax"
CSRF_FAILURE_VIEW = "freddy_admin.web.views.errors.csrf_failure"
SECURE_COOKIES = not DEBUG and not PLAIN_HTTP
SESSION_COOKIE_SECURE = SECURE_COOKIES
CSRF_COOKIE_SECURE = SECURE_COOKIES
SESSION_COOKIE_NAME = "__Host-sessionid" if SECURE_COOKIES else "sessionid"
CSRF_COOKIE_NAME = "__Host-csrftoken" if SECURE_COOKIES else "csrftoken"
SECURE_SSL_REDIRECT = SECURE_COOKIES
# Probes speak http; a program that does is refused, for a redirect would hide that it gives its
# token away. The API's own description is a page for people.
SECURE_REDIRECT_EXEMPT = [r"^healthz$", r"^readyz$", r"^metrics$", r"^api/(?!v1/openapi\.json$)"]
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
# Of a form; a whole body is held to less than twice that, see web.body_limit.
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
PERMISSIONS_POLICY = backends.permissions_policy()

# --- What is written down -----------------------------------------------------
LOGGING = backends.logging(level=env.str("LOG_LEVEL", default="INFO"))
DEFAULT_EXCEPTION_REPORTER = "freddy_admin.core.reports.SilentReporter"
DEFAULT_EXCEPTION_REPORTER_FILTER = "freddy_admin.core.reports.SilentReporterFilter"
SILENCED_SYSTEM_CHECKS: list[str] = []
