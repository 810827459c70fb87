"""A person's own page of alerts; and the link in each mail that ends such mails."""

from django.contrib import messages
from django.contrib.auth.decorators import login_not_required
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.utils.translation import gettext as _
from django.views.decorators.csrf import csrf_exempt

from freddy_admin.alerts.channels.person_mail import (
    person_channel_enable,
    person_channel_find,
    person_messages_latest,
)
from freddy_admin.alerts.preferences import (
    mails_leave,
    preferences_get,
    preferences_update,
    unsubscribe_token_read,
)
from freddy_admin.alerts.rules.person_rules import person_rules_list
from freddy_admin.audit.services import actor_from_request, actor_from_user
from freddy_admin.core import clock
from freddy_admin.core.errors import NotFound
from freddy_admin.web.access import (
    FORM_METHODS,
    public_view,
    signed_in_user,
    signed_in_user_required,
)
from freddy_admin.web.forms import add_form_errors
from freddy_admin.web.pages.alert_preferences.forms import AlertPreferencesForm, initial_values
from freddy_admin.web.pages.alert_preferences.presenter import (
    mail_problem,
    message_row,
    subscription_lines,
)
from freddy_admin.wording.times import get_user_time


@signed_in_user_required(FORM_METHODS)
def alert_preferences_update_view(request: HttpRequest) -> HttpResponse:
    """What I get, when not, the digest; a button that ends all of it; the latest mails."""
    user, actor = signed_in_user(request), actor_from_request(request)
    if "leave" in request.POST:
        mails_leave(actor=actor, user=user)
        messages.success(request, _("You get no more mails about incidents, and no digest."))
        return redirect("profile_alerts")
    if "enable" in request.POST:
        person_channel_enable(actor=actor, user=user)
        messages.success(request, _("Mails are sent to your address again."))
        return redirect("profile_alerts")
    initial = initial_values(preferences_get(user=user))
    form = AlertPreferencesForm(request.POST or None, initial=initial)
    if request.method == "POST" and form.is_valid():
        with add_form_errors(form):
            preferences_update(actor=actor, user=user, values=form.values())
            messages.success(request, _("Saved."))
            return redirect("profile_alerts")
    channel, user_time = person_channel_find(user=user), get_user_time(clock.now())
    template_context = {
        "form": form,
        "person": user,
        "channel": channel,
        "subscriptions": subscription_lines(person_rules_list(user=user), user_time),
        "problem": mail_problem(channel, user_time),
        "rows": [message_row(row, user_time) for row in person_messages_latest(channel=channel)],
    }
    return render(request, "alert_preferences/page.html", template_context)


@csrf_exempt  # RFC 8058: the mail program posts it, on behalf of whoever has the mail
@login_not_required
@public_view(FORM_METHODS)
def unsubscribe_view(request: HttpRequest, token: str) -> HttpResponse:
    """A button that ends these mails; only posting does it, for programs open every link."""
    try:
        user, kind = unsubscribe_token_read(token)
    except NotFound as error:
        context = {"problem": error.message}
        return render(request, "alert_preferences/unsubscribe.html", context, status=404)
    is_done = request.method == "POST"
    if is_done:
        mails_leave(actor=actor_from_user(user, request), user=user, kind=kind)
    return render(
        request, "alert_preferences/unsubscribe.html", {"kind": kind.value, "is_done": is_done}
    )
