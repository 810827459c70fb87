"""The rehearsal of the rules, for whatever each person may see of it."""

from django.http import HttpRequest, HttpResponse
from django.shortcuts import render

from freddy_admin.alerts.rehearsal.selectors import rehearsal_run
from freddy_admin.core import clock
from freddy_admin.organisations.access import organisation_access_get, organisations_visible
from freddy_admin.web.access import signed_in_user, signed_in_user_required
from freddy_admin.web.pages.alert_rehearsal.presenter import rehearsal_context
from freddy_admin.wording.times import get_user_time

ORGANISATION_OPTIONS_LIMIT = 200


@signed_in_user_required()
def rehearsal_show_view(request: HttpRequest) -> HttpResponse:
    """What the present rules would have told in the last 30 days; writes nothing."""
    person, now = signed_in_user(request), clock.now()
    slug = request.GET.get("organisation", "")[:140]
    organisation = organisation_access_get(user=person, slug=slug).organisation if slug else None
    rehearsal = rehearsal_run(user=person, now=now, organisation=organisation)
    context = rehearsal_context(rehearsal, person, get_user_time(now))
    options = organisations_visible(user=person).values_list("slug", "name")
    context |= {
        "organisations": list(options[:ORGANISATION_OPTIONS_LIMIT]),
        "chosen": slug,
    }
    return render(request, "alert_rehearsal/page.html", context)
