"""Who belongs to an organisation: looking, changing roles, taking somebody out, leaving."""

from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.utils.translation import gettext as _

from freddy_admin.accounts.actors import actor_of
from freddy_admin.core import clock
from freddy_admin.core.errors import Conflict
from freddy_admin.organisations.access import Access
from freddy_admin.organisations.invitations import invitations_open
from freddy_admin.organisations.members import (
    is_last_manager,
    member_get,
    member_role_change,
    members_of,
)
from freddy_admin.organisations.roles import Permission
from freddy_admin.vault.services.leavers import member_take_out
from freddy_admin.web.access import FORM, READ, person_of, within_organisation
from freddy_admin.web.confirmed import confirmed_recently
from freddy_admin.web.forms import told_beside_fields
from freddy_admin.web.people_forms import RoleForm
from freddy_admin.web.presenters.members import members_view
from freddy_admin.web.presenters.times import reading

MANAGE = Permission.MANAGE_MEMBERS


@within_organisation(Permission.VIEW, READ)
def members(request: HttpRequest, access: Access) -> HttpResponse:
    """Everybody with their roles; for managers with what they need to look after them."""
    here = access.organisation
    invited = invitations_open(organisation=here) if access.allows(MANAGE) else []
    view = members_view(
        access, members_of(organisation=here), invited, person_of(request), reading(clock.now())
    )
    return render(request, "members/page.html", {"view": view, "organisation": here})


@within_organisation(MANAGE, FORM)
@confirmed_recently()
def member(request: HttpRequest, access: Access, user_id: int) -> HttpResponse:
    """Another role for one member; the way to take them out."""
    here = access.organisation
    found = member_get(organisation=here, user_id=user_id)
    form = RoleForm(request.POST or None, initial={"role": found.role})
    if request.method == "POST" and form.is_valid():
        with told_beside_fields(form):
            role = form.cleaned_data["role"]
            changed = member_role_change(
                organisation=here, actor=actor_of(request), user_id=user_id, role=role
            )
            told = {"name": changed.name, "role": changed.role.label}
            messages.success(request, _("%(name)s is %(role)s now.") % told)
            return redirect("members", here.slug)
    last = is_last_manager(organisation=here, user_id=user_id)
    page = {"form": form, "organisation": here, "member": found, "is_last": last}
    return render(request, "members/member.html", page)


@within_organisation(MANAGE, FORM)
@confirmed_recently()
def member_out(request: HttpRequest, access: Access, user_id: int) -> HttpResponse:
    """Take somebody out, after a page that says what that means."""
    found = member_get(organisation=access.organisation, user_id=user_id)
    told = _("%(name)s is no member any more.") % {"name": found.name}
    page = {"organisation": access.organisation, "member": found}
    return _going(request, access, user_id, page=page, told=told)


@within_organisation(Permission.VIEW, FORM)
@confirmed_recently()
def leave(request: HttpRequest, access: Access) -> HttpResponse:
    """Everybody may go, apart from the last manager."""
    user_id = person_of(request).pk
    found = member_get(organisation=access.organisation, user_id=user_id)
    told = _("You left %(name)s.") % {"name": access.organisation.name}
    page = {"organisation": access.organisation, "member": found, "leaves": True}
    return _going(request, access, user_id, page=page, told=told)


def _going(
    request: HttpRequest, access: Access, user_id: int, *, page: dict[str, object], told: str
) -> HttpResponse:
    here = access.organisation
    if request.method == "POST":
        try:
            member_take_out(organisation=here, actor=actor_of(request), user_id=user_id)
        except Conflict as refused:
            messages.error(request, refused.message)
            return redirect("members", here.slug)
        messages.success(request, told)
        stays = person_of(request).pk != user_id or person_of(request).is_platform_admin
        return redirect("members", here.slug) if stays else redirect("overview")
    page["is_last"] = is_last_manager(organisation=here, user_id=user_id)
    return render(request, "members/remove.html", page)
