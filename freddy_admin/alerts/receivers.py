"""What the alerts do when a room below tells of a change: in its transaction."""

from collections.abc import Sequence
from datetime import datetime
from typing import Any

from freddy_admin.accounts.models import User
from freddy_admin.accounts.people import person_access_reduction_locked
from freddy_admin.alerts.deliveries.removal import incidents_end_with_organisation
from freddy_admin.alerts.incidents.assignees import assignments_end
from freddy_admin.alerts.incidents.recorder import health_changes_record
from freddy_admin.audit.services import Actor
from freddy_admin.core import clock
from freddy_admin.organisations.membership_roles import membership_role_changed
from freddy_admin.organisations.models import Organisation
from freddy_admin.organisations.roles import ROLE_PERMISSIONS, Permission, Role
from freddy_admin.organisations.services import organisation_deletion_started
from freddy_admin.sync.history.signals import HealthChange, health_changed


def receivers_connect() -> None:
    """Connect them; once, when the app is ready."""
    health_changed.connect(_on_health_changed, dispatch_uid="alerts_health")
    organisation_deletion_started.connect(_on_organisation_deletion, dispatch_uid="alerts_removal")
    membership_role_changed.connect(_on_role_changed, dispatch_uid="alerts_member")
    person_access_reduction_locked.connect(_on_access_reduction, dispatch_uid="alerts_person")


def _on_health_changed(*, changes: Sequence[HealthChange], now: datetime, **kwargs: Any) -> None:
    del kwargs
    health_changes_record(changes=changes, now=now)


def _on_organisation_deletion(*, organisation: Organisation, **kwargs: Any) -> None:
    del kwargs
    incidents_end_with_organisation(organisation=organisation, now=clock.now())


def _on_role_changed(
    *, organisation: Organisation, user: User, role: Role | None, actor: Actor, **kwargs: Any
) -> None:
    """Whoever may not handle incidents any more looks after none."""
    del kwargs
    may_handle = role is not None and Permission.HANDLE_INCIDENTS in ROLE_PERMISSIONS[role]
    if not may_handle and not user.is_platform_admin:
        assignments_end(person=user, actor=actor, organisation=organisation)


def _on_access_reduction(*, person: User, actor: Actor, keeps_account: bool, **kwargs: Any) -> None:
    """A person who is deleted or switched off, or no platform admin any more."""
    del kwargs
    assignments_end(person=person, actor=actor, where_no_member=keeps_account)
