"""Organisations (the tenants) and who belongs to them."""

from django.conf import settings
from django.db import models

from freddy_admin.core import clock
from freddy_admin.organisations.roles import Role


class Organisation(models.Model):
    """A customer or department whose Aitronos organisation the panel watches."""

    name = models.CharField(max_length=120)
    slug = models.SlugField(max_length=140, unique=True)
    created_at = models.DateTimeField(default=clock.now)

    class Meta:
        ordering = ["name", "id"]
        # The import finds an organisation by its name: two of one name would be a guess.
        constraints = [models.UniqueConstraint(fields=["name"], name="one_organisation_per_name")]

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
