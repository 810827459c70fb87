"""People who use the panel, and the tokens their programs use."""

import unicodedata
from typing import ClassVar, Final

import idna
from django.conf import settings
from django.contrib.auth.base_user import AbstractBaseUser, BaseUserManager
from django.db import models
from django.db.models.functions import Lower
from django.utils.translation import gettext_lazy as _

from freddy_admin.core import clock

# No address is longer, white space around it included; more is not worked on.
EMAIL_INPUT_LIMIT: Final = 320


def email_canonicalize(text: str) -> str:
    """The one form in which an address is stored and found: lower case, the domain in ASCII.

    White space around it goes, and the domain is what IDNA 2008 makes of it: `ada@Bücher.example`
    and `ada@xn--bcher-kva.example` are one address. Raises ValueError for a text that another
    address could hide in: with an invisible character, or with a letter of another width or
    alphabet that would turn into an ASCII one.
    """
    email = text.strip()
    if len(email) > EMAIL_INPUT_LIMIT:
        raise ValueError("too long")
    if email.isascii() and "xn--" not in email.lower():
        if not email.isprintable():
            raise ValueError("a control character")
        return email.lower()
    # The sign for kelvin is a “k” in lower case: such an address would become somebody else's.
    if any(not char.isascii() and char.lower()[0].isascii() for char in email):
        raise ValueError("a lookalike")
    local_part, at, domain = unicodedata.normalize("NFC", email).lower().rpartition("@")
    # IDNAError is a ValueError. Without its mapping (UTS 46), letters of full width are refused.
    return f"{local_part}{at}{idna.encode(domain, std3_rules=True).decode()}"


def email_normalize(email: object) -> str:
    """The typed address as accounts are found by it; empty for nothing at all.

    A text that is no address comes back as it is and finds nobody.
    """
    text = str(email or "")
    try:
        return email_canonicalize(text)
    except ValueError:
        return text.strip()


class UserManager(BaseUserManager["User"]):
    """People are found by their e-mail address, in whatever form it is typed."""

    def get_by_natural_key(self, username: str | None) -> "User":
        """The person with this address."""
        return self.get(email=email_normalize(username))


class Theme(models.TextChoices):
    """How the panel looks."""

    SYSTEM = "system", _("as my device")
    LIGHT = "light", _("light")
    DARK = "dark", _("dark")


class User(AbstractBaseUser):
    """A person. A platform admin sees and does all; others see the organisations they belong to."""

    email = models.EmailField(_("e-mail address"), unique=True)
    name = models.CharField(_("name"), max_length=120, blank=True)
    is_active = models.BooleanField(default=True)
    is_platform_admin = models.BooleanField(default=False)
    time_zone = models.CharField(_("time zone"), max_length=64, default="UTC")
    theme = models.CharField(_("look"), max_length=10, choices=Theme.choices, default=Theme.SYSTEM)
    created_at = models.DateTimeField(default=clock.now)

    USERNAME_FIELD = "email"
    EMAIL_FIELD = "email"
    REQUIRED_FIELDS: ClassVar[list[str]] = []

    objects = UserManager()

    class Meta:
        constraints = [models.UniqueConstraint(Lower("email"), name="one_person_per_address")]

    def __str__(self) -> str:
        return self.name or self.email

    def saved_views_by_name(self) -> "list[SavedView]":
        """This person's views of the overview by name, whatever its case; one query."""
        return sorted(self.saved_views.all(), key=lambda view: view.name.casefold())

    @property
    def is_staff(self) -> bool:
        """Read by allauth; there is no staff site."""
        return self.is_platform_admin

    @property
    def is_second_factor_required(self) -> bool:
        """What REQUIRE_MFA (off, admins, all) says of this person."""
        required = settings.REQUIRE_MFA
        return bool(required == "all" or (required == "admins" and self.is_platform_admin))


class TokenScope(models.TextChoices):
    """What a program may do with a panel token; each includes the ones before it."""

    READ = "read", _("read")
    ACT = "act", _("read and act")


class ApiToken(models.Model):
    """A token of the panel for programs: shown once, stored as a SHA-256 digest.

    It never allows more than its person may do at that moment; the scope, the organisations and
    the expiry only take away from that.
    """

    user = models.ForeignKey(User, on_delete=models.CASCADE, related_name="api_tokens")
    name = models.CharField(max_length=80)
    digest = models.CharField(max_length=64, unique=True)
    scope = models.CharField(max_length=10, choices=TokenScope.choices, default=TokenScope.READ)
    # True: all of the person's, future ones included. False: `organisations` alone, maybe none.
    every_organisation = models.BooleanField(default=True)
    organisations = models.ManyToManyField("organisations.Organisation", related_name="+")
    created_at = models.DateTimeField(default=clock.now)
    expires_at = models.DateTimeField(null=True)
    last_used_at = models.DateTimeField(null=True)

    def __str__(self) -> str:
        return f"{self.name} ({self.user})"


class SetupLink(models.Model):
    """A one-time link for the first administrator: printed at start, stored as a digest."""

    digest = models.CharField(max_length=64, unique=True)
    created_at = models.DateTimeField(default=clock.now)
    expires_at = models.DateTimeField()
    used_at = models.DateTimeField(null=True)

    def __str__(self) -> str:
        return f"until {self.expires_at:%Y-%m-%d %H:%M}"


class PasswordResetRequest(models.Model):
    """An address that was typed under “forgotten password”; the worker looks up whose it is.

    The link is not stored: it is created when the mail, which waits in the outbox, is sent.
    """

    email = models.EmailField(unique=True)
    requested_at = models.DateTimeField()

    def __str__(self) -> str:
        return f"asked at {self.requested_at:%Y-%m-%d %H:%M}"


class UserSession(models.Model):
    """A browser in which a person is signed in, as the list of their sessions shows it.

    The session itself is Django's row of the same hash; without that row this one means nothing.
    The session's key, which is the browser's cookie, is nowhere in the database.
    """

    user = models.ForeignKey(User, on_delete=models.CASCADE, related_name="sessions")
    session_key_hash = models.CharField(max_length=40, unique=True)
    ip = models.GenericIPAddressField(null=True)  # none on a Unix socket
    user_agent = models.CharField(max_length=200, blank=True)
    created_at = models.DateTimeField(default=clock.now)
    last_seen_at = models.DateTimeField(default=clock.now)

    def __str__(self) -> str:
        return f"{self.ip} ({self.user_agent})"


class AttemptHistory(models.Model):
    """The latest attempts under one rate limit of the sign-in, see `auth.rate_limits`."""

    key = models.CharField(max_length=200, primary_key=True)
    attempts = models.TextField()  # newest first, each of them equally long
    ends_at = models.DateTimeField(db_index=True)  # when the newest one counts no more

    def __str__(self) -> str:
        return self.key


class SavedView(models.Model):
    """A named view of the overview that a person saved: the query of its address."""

    user = models.ForeignKey(User, on_delete=models.CASCADE, related_name="saved_views")
    name = models.CharField(max_length=60)
    query = models.CharField(max_length=600)
    created_at = models.DateTimeField(default=clock.now)

    class Meta:
        ordering = ["name", "id"]
        constraints = [
            models.UniqueConstraint("user", Lower("name"), name="one_view_per_name_and_person")
        ]

    def __str__(self) -> str:
        return self.name
