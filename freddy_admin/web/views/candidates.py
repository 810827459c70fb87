"""What becomes of a new key after its test: kept anyway, tested again, or thrown away."""

from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.utils.translation import gettext as _

from freddy_admin.accounts.actors import actor_of
from freddy_admin.organisations.access import Access
from freddy_admin.organisations.roles import Permission
from freddy_admin.sync.lifecycle import key_keep
from freddy_admin.vault.models import CandidateState, KeyStatus
from freddy_admin.vault.selectors import api_key_get
from freddy_admin.vault.services.candidates import candidate_discard, candidate_retry
from freddy_admin.web.access import WRITE, within_organisation
from freddy_admin.web.confirmed import confirmed_recently

MANAGE = Permission.MANAGE_KEYS


@within_organisation(MANAGE, WRITE)
@confirmed_recently(back="key")
def keep(request: HttpRequest, access: Access, key_id: int) -> HttpResponse:
    """Take it although it could not be tested, or reports something else than expected."""
    here, found = access.organisation, api_key_get(organisation=access.organisation, key_id=key_id)
    actor, version, seen = actor_of(request), _version(request), _seen(request)
    key_keep(organisation=here, actor=actor, key=found, version=version, state=seen)
    messages.success(request, _("The new key was kept. It is checked now."))
    return redirect("organisation", slug=access.organisation.slug)


@within_organisation(MANAGE, WRITE)
def retest(request: HttpRequest, access: Access, key_id: int) -> HttpResponse:
    """Once more."""
    found = api_key_get(organisation=access.organisation, key_id=key_id)
    actor, version = actor_of(request), _version(request)
    candidate_retry(organisation=access.organisation, actor=actor, key=found, version=version)
    return redirect("key", slug=access.organisation.slug, key_id=key_id)


@within_organisation(MANAGE, WRITE)
@confirmed_recently(back="key")
def discard(request: HttpRequest, access: Access, key_id: int) -> HttpResponse:
    """Away with it; a present key goes on as it was."""
    found = api_key_get(organisation=access.organisation, key_id=key_id)
    draft = found.status == KeyStatus.DRAFT
    actor, version = actor_of(request), _version(request)
    candidate_discard(organisation=access.organisation, actor=actor, key=found, version=version)
    messages.success(
        request,
        _("The new key was thrown away.")
        if draft
        else _("The new key was thrown away; the present one stays in use."),
    )
    return redirect("organisation", slug=access.organisation.slug)


def _seen(request: HttpRequest) -> CandidateState:
    """What this person decided on: a later test may have shown something else."""
    differs = request.POST.get("seen") == CandidateState.DIFFERS
    return CandidateState.DIFFERS if differs else CandidateState.UNTESTED


def _version(request: HttpRequest) -> int:
    """The candidate this person was looking at; 0, which none has, where it is not a number."""
    text = request.POST.get("version", "")
    return int(text) if text.isascii() and text.isdigit() and len(text) < 10 else 0
