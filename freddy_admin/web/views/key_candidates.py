"""A key candidate after its test: kept anyway, tested again, or discarded."""

from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.utils.translation import gettext as _

from freddy_admin.accounts.request_actor import actor_from_request
from freddy_admin.organisations.access import Access
from freddy_admin.organisations.roles import Permission
from freddy_admin.sync.key_lifecycle import key_candidate_accept
from freddy_admin.vault.models import CandidateState, KeyLifecycle
from freddy_admin.vault.selectors import api_key_get
from freddy_admin.vault.services.candidates import candidate_discard, candidate_retry
from freddy_admin.web.access import WRITE_METHODS, organisation_permission_required
from freddy_admin.web.reauthentication import reauthentication_required

MANAGE = Permission.MANAGE_KEYS


@organisation_permission_required(MANAGE, WRITE_METHODS)
@reauthentication_required(return_view="key")
def candidate_keep_view(request: HttpRequest, access: Access, key_id: int) -> HttpResponse:
    """Keep a candidate that could not be tested, or reports something else than expected."""
    organisation = access.organisation
    key = api_key_get(organisation=access.organisation, key_id=key_id)
    actor = actor_from_request(request)
    version = _posted_candidate_version(request)
    state = _posted_candidate_state(request)
    key_candidate_accept(
        organisation=organisation, actor=actor, key=key, version=version, state=state
    )
    messages.success(request, _("The new key was kept. It is checked now."))
    return redirect("organisation", slug=access.organisation.slug)


@organisation_permission_required(MANAGE, WRITE_METHODS)
def candidate_retest_view(request: HttpRequest, access: Access, key_id: int) -> HttpResponse:
    """Have a candidate tested once more."""
    key = api_key_get(organisation=access.organisation, key_id=key_id)
    actor, version = actor_from_request(request), _posted_candidate_version(request)
    candidate_retry(organisation=access.organisation, actor=actor, key=key, version=version)
    return redirect("key", slug=access.organisation.slug, key_id=key_id)


@organisation_permission_required(MANAGE, WRITE_METHODS)
@reauthentication_required(return_view="key")
def candidate_discard_view(request: HttpRequest, access: Access, key_id: int) -> HttpResponse:
    """Discard a candidate; the key's present secret stays in use."""
    key = api_key_get(organisation=access.organisation, key_id=key_id)
    is_draft = key.status == KeyLifecycle.DRAFT
    actor, version = actor_from_request(request), _posted_candidate_version(request)
    candidate_discard(organisation=access.organisation, actor=actor, key=key, version=version)
    messages.success(
        request,
        _("The new key was thrown away.")
        if is_draft
        else _("The new key was thrown away; the present one stays in use."),
    )
    return redirect("organisation", slug=access.organisation.slug)


def _posted_candidate_state(request: HttpRequest) -> CandidateState:
    """The candidate's state that this person saw: a later test may have changed it."""
    differs = request.POST.get("seen") == CandidateState.DIFFERS
    return CandidateState.DIFFERS if differs else CandidateState.UNTESTED


def _posted_candidate_version(request: HttpRequest) -> int:
    """The version of the candidate this person saw; 0, which none has, if it is no number."""
    text = request.POST.get("version", "")
    return int(text) if text.isascii() and text.isdigit() and len(text) < 10 else 0
