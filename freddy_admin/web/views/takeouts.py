"""Copies to take away: an organisation as a zip, a person as JSON; each is written down.

HEAD takes none: it does the work of none and writes nothing.
"""

from django.http import FileResponse, HttpRequest, HttpResponse, JsonResponse

from freddy_admin.accounts.actors import actor_of
from freddy_admin.accounts.models import User
from freddy_admin.accounts.people import person_get
from freddy_admin.audit.services import audit_record
from freddy_admin.audit.tags import Tag
from freddy_admin.core import clock
from freddy_admin.organisations.access import Access
from freddy_admin.organisations.roles import Permission
from freddy_admin.web.access import (
    FORM,
    by_anyone_signed_in,
    by_platform_admin,
    person_of,
    within_organisation,
)
from freddy_admin.web.confirmed import confirmed_recently
from freddy_admin.web.takeouts.organisation import organisation_zip
from freddy_admin.web.takeouts.person import person_takeout


@within_organisation(Permission.EXPORT_ORGANISATION, FORM)
@confirmed_recently(back="organisation", downloads=True)
def organisation_export(request: HttpRequest, access: Access) -> FileResponse | HttpResponse:
    """Everything that is kept of it but secrets."""
    here = access.organisation
    if request.method == "HEAD":
        return HttpResponse(content_type="application/zip")
    audit_record(
        tag=Tag.ORGANISATION_EXPORTED,
        actor=actor_of(request),
        place=access.place,
        subject=here.name,
    )
    name = f"{here.slug}-{clock.now():%Y-%m-%d-%H%M}.zip"
    return FileResponse(organisation_zip(here), as_attachment=True, filename=name)


@by_anyone_signed_in(FORM)
@confirmed_recently(back="profile", downloads=True)
def profile_export(request: HttpRequest) -> HttpResponse:
    """What is kept about the person who asks."""
    return _person(request, person_of(request))


@by_platform_admin(FORM)
@confirmed_recently(back="person", downloads=True)
def person_export(request: HttpRequest, person_id: int) -> HttpResponse:
    """What is kept about somebody."""
    return _person(request, person_get(person_id=person_id))


def _person(request: HttpRequest, person: User) -> HttpResponse:
    if request.method == "HEAD":
        return HttpResponse(content_type="application/json")
    audit_record(tag=Tag.PERSON_EXPORTED, actor=actor_of(request), subject=person.email)
    told = person_takeout(person, reader=person_of(request))
    answer = JsonResponse(told, json_dumps_params={"ensure_ascii": False, "indent": 1})
    name = f"person-{person.pk}-{clock.now():%Y-%m-%d-%H%M}.json"
    answer["Content-Disposition"] = f'attachment; filename="{name}"'
    return answer
