"""The audit log: who did what, when."""

from django.http import HttpRequest, HttpResponse
from django.shortcuts import render

from freddy_admin.audit.selectors import audit_events
from freddy_admin.core import clock
from freddy_admin.organisations.selectors import organisations_visible
from freddy_admin.web.access import by_anyone_signed_in, person_of
from freddy_admin.web.presenters.audit import PAGE_SIZE, audit_query, audit_view
from freddy_admin.web.presenters.times import reading


@by_anyone_signed_in()
def audit(request: HttpRequest) -> HttpResponse:
    """Events of a person's organisations; all events for a platform admin."""
    person, query = person_of(request), audit_query(request.GET)
    mine = None
    if not person.is_platform_admin:
        mine = list(organisations_visible(user=person).values_list("pk", flat=True))
    events = audit_events(organisation_ids=mine, search=query.search, tag=query.tag)
    start = (query.page - 1) * PAGE_SIZE
    # One more than is shown tells whether there is another page; counting all would cost more.
    found = list(events[start : start + PAGE_SIZE + 1])
    view = audit_view(found, query, reading(clock.now()))
    return render(request, "audit/page.html", {"view": view})
