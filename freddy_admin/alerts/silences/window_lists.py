"""The maintenance windows that one person may see."""

from datetime import datetime

from django.db.models import Q

from freddy_admin.accounts.models import User
from freddy_admin.alerts.models import MaintenanceWindow
from freddy_admin.alerts.silences.recurrence import window_next_span
from freddy_admin.organisations.access import organisations_visible


def windows_visible(*, user: User, now: datetime) -> list[MaintenanceWindow]:
    """Those in force or to come, of the person's organisations and of the whole panel.

    With their organisation; one query.
    """
    is_seen = Q(organisation=None) | Q(organisation__in=organisations_visible(user=user))
    rows = MaintenanceWindow.objects.filter(is_seen, deleted_at=None)
    windows = rows.select_related("organisation").order_by("starts_on", "pk")
    return [window for window in windows if window_next_span(window, now) is not None]
