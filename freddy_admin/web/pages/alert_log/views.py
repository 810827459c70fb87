"""The log of the alerts: who was told of what, when, by which channel, and what it answered."""

from django.http import HttpRequest, HttpResponse
from django.shortcuts import render

from freddy_admin.alerts.channels.selectors import channels_manageable
from freddy_admin.alerts.deliveries.ledger import deliveries_log
from freddy_admin.core import clock
from freddy_admin.organisations.access import (
    has_platform_permission,
    organisations_with_permission,
)
from freddy_admin.organisations.roles import Permission, PlatformPermission
from freddy_admin.web.access import signed_in_user, signed_in_user_required
from freddy_admin.web.pages.alert_log.filters import LOG_PARAMS
from freddy_admin.web.pages.alert_log.presenter import alert_log_context
from freddy_admin.wording.times import get_user_time

ORGANISATION_OPTIONS_LIMIT = 200


@signed_in_user_required()
def alert_log_list_view(request: HttpRequest) -> HttpResponse:
    """A page of what was told of the organisations whose alerts this person manages."""
    person, query = signed_in_user(request), LOG_PARAMS.parse(request.GET)
    page = deliveries_log(user=person, filters=query.filters)
    with_fleet = has_platform_permission(
        user=person, permission=PlatformPermission.MANAGE_FLEET_ALERTS
    )
    managed = organisations_with_permission(user=person, permission=Permission.MANAGE_ALERTS)
    organisations = list(managed.values_list("slug", "name")[:ORGANISATION_OPTIONS_LIMIT])
    context = alert_log_context(
        page,
        query,
        channels_manageable(user=person, with_fleet=with_fleet),
        get_user_time(clock.now()),
    )
    return render(request, "alert_log/page.html", context | {"organisations": organisations})
