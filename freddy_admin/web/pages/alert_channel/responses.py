"""What the pages of a channel answer; `organisation` is None for one of the whole panel."""

from typing import Any

from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.utils.translation import gettext as _
from django.utils.translation import ngettext
from django.views.decorators.debug import sensitive_variables

from freddy_admin.alerts.channels.addresses import ADDABLE_KINDS
from freddy_admin.alerts.channels.selectors import channel_get
from freddy_admin.alerts.channels.services import (
    channel_address_replace,
    channel_create,
    channel_delete,
    channel_enable,
    channel_former_secrets_end,
    channel_rename,
    channel_signing_secret_rotate,
    channel_switch_off,
)
from freddy_admin.alerts.channels.test_steps import channel_test_latest, channel_test_start
from freddy_admin.alerts.models import Channel, ChannelKind
from freddy_admin.audit.services import actor_from_request
from freddy_admin.core import clock
from freddy_admin.core.errors import NotFound, PublicError
from freddy_admin.organisations.models import Organisation
from freddy_admin.web.forms import add_form_errors, render_form_page
from freddy_admin.web.htmx import not_modified, seen_part_digests, values_digest
from freddy_admin.web.pages.alert_channel.forms import (
    ChannelAddForm,
    ChannelAddressForm,
    ChannelDeleteForm,
    ChannelNameForm,
)
from freddy_admin.web.pages.alert_channel.presenter import (
    ChannelUrls,
    channel_context,
    channel_test_context,
)
from freddy_admin.wording.channels import KIND_INTROS
from freddy_admin.wording.times import get_user_time


@sensitive_variables("new")
def channel_create_response(
    request: HttpRequest, organisation: Organisation | None, kind: str
) -> HttpResponse:
    """The form of a new channel; once it is stored, its page, or its signing secret this once."""
    if kind not in ADDABLE_KINDS:
        raise NotFound(_("There is no such kind of channel."))
    form = ChannelAddForm(request.POST or None, kind=kind)
    if request.method == "POST" and form.is_valid():
        with add_form_errors(form):
            new = channel_create(
                organisation=organisation,
                actor=actor_from_request(request),
                kind=kind,
                name=form.cleaned_data["name"],
                address=form.cleaned_data["channel_address"],
            )
            if new.signing_secret:
                return _secret_response(request, new.channel, new.signing_secret)
            messages.success(request, _("The channel was added. Try it out here."))
            return _redirect(new.channel)
    kind_name = ChannelKind(kind).label
    context: dict[str, Any] = {"form": form, "organisation": organisation, "kind": kind_name}
    context["intro"] = KIND_INTROS[kind]
    return render_form_page(request, "alert_channel/add.html", context)


def channel_detail_response(
    request: HttpRequest, organisation: Organisation | None, channel_id: int
) -> HttpResponse:
    """The page of a channel, whose health and test are shown as they change."""
    channel, user_time = _channel(organisation, channel_id), get_user_time(clock.now())
    test = channel_test_latest(channel=channel, now=user_time.now)
    seen_digests = seen_part_digests(request)
    digest = values_digest(
        *(channel.answered_at, channel.answer, channel.failing_since, channel.disabled_at),
        repr(test),
    )
    if seen_digests is not None and seen_digests.get("channel") == digest:
        return not_modified()
    context = channel_context(channel, user_time) | {"digest": digest}
    context["test"] = channel_test_context(test, user_time) if test else None
    template = "alert_channel/page.html" if seen_digests is None else "alert_channel/_live.html"
    return render(request, template, context)


def channel_rename_response(
    request: HttpRequest, organisation: Organisation | None, channel_id: int
) -> HttpResponse:
    """The form of a channel's name."""
    channel = _channel(organisation, channel_id)
    form = ChannelNameForm(request.POST or None, initial={"name": channel.name})
    if request.method == "POST" and form.is_valid():
        with add_form_errors(form):
            channel_rename(
                organisation=organisation,
                actor=actor_from_request(request),
                channel=channel,
                name=form.cleaned_data["name"],
            )
            return _redirect(channel)
    return _form_page(request, "alert_channel/rename.html", channel, form)


def channel_address_response(
    request: HttpRequest, organisation: Organisation | None, channel_id: int
) -> HttpResponse:
    """The form of another address."""
    channel = _channel(organisation, channel_id)
    form = ChannelAddressForm(request.POST or None, kind=channel.kind)
    if request.method == "POST" and form.is_valid():
        with add_form_errors(form):
            channel_address_replace(
                organisation=organisation,
                actor=actor_from_request(request),
                channel=channel,
                address=form.cleaned_data["channel_address"],
            )
            messages.success(request, _("The address was replaced. Try it out here."))
            return _redirect(channel)
    return _form_page(request, "alert_channel/address.html", channel, form)


@sensitive_variables("secret")
def channel_secret_response(
    request: HttpRequest, organisation: Organisation | None, channel_id: int
) -> HttpResponse:
    """Asks whether a new signing secret is to be made, and shows it this once."""
    channel = _channel(organisation, channel_id)
    if request.method != "POST":
        context = {"channel": channel, "organisation": organisation, "back": _url(channel)}
        return render(request, "alert_channel/secret.html", context)
    try:
        secret = channel_signing_secret_rotate(
            organisation=organisation, actor=actor_from_request(request), channel=channel
        )
    except PublicError as error:
        messages.warning(request, error.message)
        return _redirect(channel)
    return _secret_response(request, channel, secret)


def channel_former_end_response(
    request: HttpRequest, organisation: Organisation | None, channel_id: int
) -> HttpResponse:
    """End the former signing secrets."""
    channel = _channel(organisation, channel_id)
    count = channel_former_secrets_end(
        organisation=organisation, actor=actor_from_request(request), channel=channel
    )
    messages.success(
        request,
        ngettext("%(n)d former secret ended.", "%(n)d former secrets ended.", count) % {"n": count},
    )
    return _redirect(channel)


def channel_switch_response(
    request: HttpRequest, organisation: Organisation | None, channel_id: int, *, turns_on: bool
) -> HttpResponse:
    """Switch a channel on or off."""
    channel = _channel(organisation, channel_id)
    switch = channel_enable if turns_on else channel_switch_off
    switch(organisation=organisation, actor=actor_from_request(request), channel=channel)
    messages.success(
        request,
        _("The channel is on. Try it out here.")
        if turns_on
        else _("The channel is off: nothing is sent to it."),
    )
    return _redirect(channel)


def channel_delete_response(
    request: HttpRequest, organisation: Organisation | None, channel_id: int
) -> HttpResponse:
    """Asks for the channel's name, and deletes it."""
    channel = _channel(organisation, channel_id)
    form = ChannelDeleteForm(request.POST or None, expected=channel.name)
    if request.method == "POST" and form.is_valid():
        channel_delete(
            organisation=organisation, actor=actor_from_request(request), channel=channel
        )
        messages.success(request, _("The channel “%(name)s” was deleted.") % {"name": channel.name})
        return redirect("alert_channels")
    return _form_page(request, "alert_channel/delete.html", channel, form)


def channel_test_response(
    request: HttpRequest, organisation: Organisation | None, channel_id: int
) -> HttpResponse:
    """Begin a test, whose steps the channel's page shows."""
    channel = _channel(organisation, channel_id)
    try:
        channel_test_start(channel=channel, actor=actor_from_request(request))
    except PublicError as error:
        messages.warning(request, error.message)
    return redirect(f"{_url(channel)}#test")


def _channel(organisation: Organisation | None, channel_id: int) -> Channel:
    return channel_get(organisation=organisation, channel_id=channel_id)


def _url(channel: Channel) -> str:
    return ChannelUrls(channel.organisation).to("", channel.pk)


def _redirect(channel: Channel) -> HttpResponse:
    return redirect(_url(channel))


def _form_page(request: HttpRequest, template: str, channel: Channel, form: Any) -> HttpResponse:
    context = {"form": form, "channel": channel, "organisation": channel.organisation}
    context |= {"back": _url(channel), "kind": channel.get_kind_display()}
    return render_form_page(request, template, context)


@sensitive_variables("secret")
def _secret_response(request: HttpRequest, channel: Channel, secret: str) -> HttpResponse:
    """The only page that ever shows this signing secret."""
    context = {"channel": channel, "organisation": channel.organisation, "secret": secret}
    return render(request, "alert_channel/secret_shown.html", context | {"back": _url(channel)})
