"""Data exports: an organisation as a zip, a person as JSON; each is audited.

HEAD exports nothing and therefore writes no audit event.
"""

from django.http import FileResponse, HttpRequest, HttpResponse, JsonResponse

from freddy_admin.accounts.models import User
from freddy_admin.accounts.people import person_get
from freddy_admin.accounts.request_actor import actor_from_request
from freddy_admin.audit.services import audit_event_record
from freddy_admin.audit.tags import AuditTag
from freddy_admin.core import clock
from freddy_admin.organisations.access import Access
from freddy_admin.organisations.roles import Permission
from freddy_admin.web.access import (
    FORM_METHODS,
    organisation_permission_required,
    platform_admin_required,
    signed_in_user,
    signed_in_user_required,
)
from freddy_admin.web.data_exports.organisation import organisation_export_zip
from freddy_admin.web.data_exports.person import person_export
from freddy_admin.web.reauthentication import reauthentication_required


@organisation_permission_required(Permission.EXPORT_ORGANISATION, FORM_METHODS)
@reauthentication_required(return_view="organisation", is_download=True)
def organisation_export_view(request: HttpRequest, access: Access) -> FileResponse | HttpResponse:
    """A zip of everything that is kept of an organisation but secrets."""
    organisation = access.organisation
    if request.method == "HEAD":
        return HttpResponse(content_type="application/zip")
    audit_event_record(
        tag=AuditTag.ORGANISATION_EXPORTED,
        actor=actor_from_request(request),
        organisation=access.audit_ref,
        subject=organisation.name,
    )
    filename = f"{organisation.slug}-{clock.now():%Y-%m-%d-%H%M}.zip"
    return FileResponse(
        organisation_export_zip(organisation), as_attachment=True, filename=filename
    )


@signed_in_user_required(FORM_METHODS)
@reauthentication_required(return_view="profile", is_download=True)
def profile_export_view(request: HttpRequest) -> HttpResponse:
    """JSON of what is kept about the signed-in person."""
    return _person_export_response(request, signed_in_user(request))


@platform_admin_required(FORM_METHODS)
@reauthentication_required(return_view="person", is_download=True)
def person_export_view(request: HttpRequest, person_id: int) -> HttpResponse:
    """JSON of what is kept about any person, for platform admins."""
    return _person_export_response(request, person_get(person_id=person_id))


def _person_export_response(request: HttpRequest, person: User) -> HttpResponse:
    if request.method == "HEAD":
        return HttpResponse(content_type="application/json")
    audit_event_record(
        tag=AuditTag.PERSON_EXPORTED, actor=actor_from_request(request), subject=person.email
    )
    export = person_export(person, user=signed_in_user(request))
    response = JsonResponse(export, json_dumps_params={"ensure_ascii": False, "indent": 1})
    filename = f"person-{person.pk}-{clock.now():%Y-%m-%d-%H%M}.json"
    response["Content-Disposition"] = f'attachment; filename="{filename}"'
    return response
