"""Channels of an organisation, and of the whole panel: the pages of both are the same."""

from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.utils.translation import gettext as _
from django.views.decorators.debug import sensitive_post_parameters

from freddy_admin.accounts.auth.reauthentication import reauthentication_required
from freddy_admin.accounts.models import User
from freddy_admin.alerts.channels.addresses import ADDABLE_KINDS
from freddy_admin.alerts.channels.selectors import channels_manageable
from freddy_admin.core import clock
from freddy_admin.organisations.access import (
    Access,
    has_platform_permission,
    organisations_with_permission,
)
from freddy_admin.organisations.roles import Permission, PlatformPermission
from freddy_admin.web.access import (
    FORM_METHODS,
    WRITE_METHODS,
    organisation_permission_required,
    platform_admin_required,
    signed_in_user,
    signed_in_user_required,
)
from freddy_admin.web.pages.alert_channel import responses
from freddy_admin.web.pages.alert_channel.presenter import ChannelUrls, channel_row
from freddy_admin.wording.channels import KIND_ICONS, KIND_INTROS
from freddy_admin.wording.times import get_user_time

MANAGE = Permission.MANAGE_ALERTS
ORGANISATION_OPTIONS_LIMIT = 200


@signed_in_user_required()
def channel_list_view(request: HttpRequest) -> HttpResponse:
    """The channels of the organisations whose alerts this person manages, and of the panel."""
    person, user_time = signed_in_user(request), get_user_time(clock.now())
    manages_fleet = _manages_fleet(person)
    managed = organisations_with_permission(user=person, permission=MANAGE)
    channels = channels_manageable(user=person, with_fleet=manages_fleet)
    rows = [channel_row(channel, user_time) for channel in channels]
    context = {
        "fleet_rows": [row for row in rows if row["channel"].organisation is None],
        "rows": [row for row in rows if row["channel"].organisation is not None],
        "organisations": list(managed.values_list("slug", "name")[:ORGANISATION_OPTIONS_LIMIT]),
        "manages_fleet": manages_fleet,
    }
    return render(request, "alert_channel/list.html", context)


def _manages_fleet(user: User) -> bool:
    return has_platform_permission(user=user, permission=PlatformPermission.MANAGE_FLEET_ALERTS)


@signed_in_user_required()
def channel_choose_view(request: HttpRequest) -> HttpResponse:
    """Lead to the kinds of the organisation that was chosen in the list."""
    managed = organisations_with_permission(user=signed_in_user(request), permission=MANAGE)
    organisation = managed.filter(slug=request.GET.get("organisation", "")[:140]).first()
    if organisation is None:
        messages.warning(request, _("Choose an organisation whose alerts you manage."))
        return redirect("alert_channels")
    return redirect("alert_channel_kinds", organisation.slug)


@organisation_permission_required(MANAGE)
def channel_kinds_view(request: HttpRequest, access: Access) -> HttpResponse:
    """The kinds of channels that can be added to an organisation."""
    return _kinds_response(request, access)


@platform_admin_required()
def fleet_channel_kinds_view(request: HttpRequest) -> HttpResponse:
    """The kinds of channels that can be added for the whole panel."""
    return _kinds_response(request, None)


def _kinds_response(request: HttpRequest, access: Access | None) -> HttpResponse:
    organisation = access.organisation if access else None
    urls = ChannelUrls(organisation)
    kinds = [
        {
            "label": kind.label,
            "intro": KIND_INTROS[kind],
            "icon": KIND_ICONS[kind],
            "url": urls.to("create", kind.value),
        }
        for kind in ADDABLE_KINDS
    ]
    context = {"kinds": kinds, "organisation": organisation}
    return render(request, "alert_channel/kinds.html", context)


@sensitive_post_parameters("channel_address")
@organisation_permission_required(MANAGE, FORM_METHODS)
@reauthentication_required()
def channel_create_view(request: HttpRequest, access: Access, channel_kind: str) -> HttpResponse:
    """Add a channel of this kind; a webhook's signing secret is shown once, in the response."""
    return responses.channel_create_response(request, access.organisation, channel_kind)


@sensitive_post_parameters("channel_address")
@platform_admin_required(FORM_METHODS)
@reauthentication_required()
def fleet_channel_create_view(request: HttpRequest, channel_kind: str) -> HttpResponse:
    """Add a channel for the whole panel."""
    return responses.channel_create_response(request, None, channel_kind)


@organisation_permission_required(MANAGE)
def channel_detail_view(request: HttpRequest, access: Access, channel_id: int) -> HttpResponse:
    """A channel: health, last answer, test, secrets."""
    return responses.channel_detail_response(request, access.organisation, channel_id)


@platform_admin_required()
def fleet_channel_detail_view(request: HttpRequest, channel_id: int) -> HttpResponse:
    """A channel of the whole panel."""
    return responses.channel_detail_response(request, None, channel_id)


@organisation_permission_required(MANAGE, FORM_METHODS)
def channel_rename_view(request: HttpRequest, access: Access, channel_id: int) -> HttpResponse:
    """Give a channel another name."""
    return responses.channel_rename_response(request, access.organisation, channel_id)


@platform_admin_required(FORM_METHODS)
def fleet_channel_rename_view(request: HttpRequest, channel_id: int) -> HttpResponse:
    """Give a channel of the whole panel another name."""
    return responses.channel_rename_response(request, None, channel_id)


@sensitive_post_parameters("channel_address")
@organisation_permission_required(MANAGE, FORM_METHODS)
@reauthentication_required()
def channel_address_view(request: HttpRequest, access: Access, channel_id: int) -> HttpResponse:
    """Send to another address from now on."""
    return responses.channel_address_response(request, access.organisation, channel_id)


@sensitive_post_parameters("channel_address")
@platform_admin_required(FORM_METHODS)
@reauthentication_required()
def fleet_channel_address_view(request: HttpRequest, channel_id: int) -> HttpResponse:
    """Send to another address of a channel of the whole panel from now on."""
    return responses.channel_address_response(request, None, channel_id)


@organisation_permission_required(MANAGE, FORM_METHODS)
@reauthentication_required()
def channel_secret_view(request: HttpRequest, access: Access, channel_id: int) -> HttpResponse:
    """Make a new signing secret, which the response shows once."""
    return responses.channel_secret_response(request, access.organisation, channel_id)


@platform_admin_required(FORM_METHODS)
@reauthentication_required()
def fleet_channel_secret_view(request: HttpRequest, channel_id: int) -> HttpResponse:
    """Make a new signing secret for a channel of the whole panel."""
    return responses.channel_secret_response(request, None, channel_id)


@organisation_permission_required(MANAGE, WRITE_METHODS)
@reauthentication_required(return_view="alert_channel")
def channel_former_end_view(request: HttpRequest, access: Access, channel_id: int) -> HttpResponse:
    """Sign with the present secret alone."""
    return responses.channel_former_end_response(request, access.organisation, channel_id)


@platform_admin_required(WRITE_METHODS)
@reauthentication_required(return_view="fleet_channel")
def fleet_channel_former_end_view(request: HttpRequest, channel_id: int) -> HttpResponse:
    """Sign with the present secret alone."""
    return responses.channel_former_end_response(request, None, channel_id)


@organisation_permission_required(MANAGE, WRITE_METHODS)
@reauthentication_required(return_view="alert_channel")
def channel_enable_view(request: HttpRequest, access: Access, channel_id: int) -> HttpResponse:
    """Switch a channel on."""
    return responses.channel_switch_response(
        request, access.organisation, channel_id, turns_on=True
    )


@platform_admin_required(WRITE_METHODS)
@reauthentication_required(return_view="fleet_channel")
def fleet_channel_enable_view(request: HttpRequest, channel_id: int) -> HttpResponse:
    """Switch a channel of the whole panel on."""
    return responses.channel_switch_response(request, None, channel_id, turns_on=True)


@organisation_permission_required(MANAGE, WRITE_METHODS)
@reauthentication_required(return_view="alert_channel")
def channel_disable_view(request: HttpRequest, access: Access, channel_id: int) -> HttpResponse:
    """Switch a channel off."""
    return responses.channel_switch_response(
        request, access.organisation, channel_id, turns_on=False
    )


@platform_admin_required(WRITE_METHODS)
@reauthentication_required(return_view="fleet_channel")
def fleet_channel_disable_view(request: HttpRequest, channel_id: int) -> HttpResponse:
    """Switch a channel of the whole panel off."""
    return responses.channel_switch_response(request, None, channel_id, turns_on=False)


@organisation_permission_required(MANAGE, FORM_METHODS)
@reauthentication_required()
def channel_delete_view(request: HttpRequest, access: Access, channel_id: int) -> HttpResponse:
    """Delete a channel after its name was typed."""
    return responses.channel_delete_response(request, access.organisation, channel_id)


@platform_admin_required(FORM_METHODS)
@reauthentication_required()
def fleet_channel_delete_view(request: HttpRequest, channel_id: int) -> HttpResponse:
    """Delete a channel of the whole panel after its name was typed."""
    return responses.channel_delete_response(request, None, channel_id)


@organisation_permission_required(MANAGE, WRITE_METHODS)
def channel_test_view(request: HttpRequest, access: Access, channel_id: int) -> HttpResponse:
    """Try a channel out, by a pretend incident."""
    return responses.channel_test_response(request, access.organisation, channel_id)


@platform_admin_required(WRITE_METHODS)
def fleet_channel_test_view(request: HttpRequest, channel_id: int) -> HttpResponse:
    """Try a channel of the whole panel out, by a pretend incident."""
    return responses.channel_test_response(request, None, channel_id)
