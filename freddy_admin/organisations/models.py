"""Organisations (the tenants), their members and invitations."""

from django.conf import settings
from django.db import models

from freddy_admin.core import clock
from freddy_admin.core.models import TenantOwned
from freddy_admin.organisations.roles import Role


class Organisation(models.Model):
    """A customer or department whose Aitronos organisation the panel watches."""

    name = models.CharField(max_length=120)
    slug = models.SlugField(max_length=140, unique=True)
    created_at = models.DateTimeField(default=clock.now)
    # Whether it has keys in use, as the worker saw a minute ago. False where nobody looked yet:
    # whoever asks for those without a key looks again at these few.
    has_key = models.BooleanField(default=False, editable=False)

    class Meta:
        ordering = ["name", "id"]
        # The import finds an organisation by its name, so the name must be unique.
        constraints = [models.UniqueConstraint(fields=["name"], name="one_organisation_per_name")]
        indexes = [
            models.Index(
                fields=["name"], condition=models.Q(has_key=False), name="organisations_without_key"
            )
        ]

    def __str__(self) -> str:
        return self.name


class Membership(models.Model):
    """A person in an organisation, with a role."""

    organisation = models.ForeignKey(
        Organisation, on_delete=models.CASCADE, related_name="memberships"
    )
    user = models.ForeignKey(
        settings.AUTH_USER_MODEL, on_delete=models.CASCADE, related_name="memberships"
    )
    role = models.CharField(max_length=10, choices=Role.choices)
    created_at = models.DateTimeField(default=clock.now)

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["organisation", "user"], name="one_role_per_person")
        ]

    def __str__(self) -> str:
        return f"{self.user} · {self.organisation} · {self.role}"


class Invitation(TenantOwned):
    """An address that may become a member by a link in a mail; only the token's digest is stored.

    The token is made when the mail is sent: until then there is none, and a newer mail invalidates
    the former link. The mail waits in the outbox.
    """

    email = models.EmailField(max_length=254)
    role = models.CharField(max_length=10, choices=Role.choices)
    invited_by = models.CharField(max_length=254)
    invited_by_id = models.BigIntegerField(null=True)
    created_at = models.DateTimeField()
    expires_at = models.DateTimeField(db_index=True)
    closed_at = models.DateTimeField(null=True)  # used or withdrawn

    digest = models.CharField(max_length=64, blank=True, editable=False)
    requested_at = models.DateTimeField()  # when the mail was last requested
    sent_at = models.DateTimeField(null=True)

    class Meta:
        constraints = [
            models.UniqueConstraint(
                fields=["organisation", "email"],
                condition=models.Q(closed_at=None),
                name="one_open_invitation_per_address",
            ),
            models.UniqueConstraint(
                fields=["digest"], condition=~models.Q(digest=""), name="one_invitation_per_link"
            ),
        ]

    def __str__(self) -> str:
        return f"{self.email} · {self.organisation} · {self.role}"
