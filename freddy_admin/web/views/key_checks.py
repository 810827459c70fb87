"""*Check now*: asks the worker for a check, and leads to the page where its result appears."""

from django.contrib import messages
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.urls import reverse

from freddy_admin.accounts.request_actor import actor_from_request
from freddy_admin.core import clock
from freddy_admin.organisations.access import Access
from freddy_admin.organisations.roles import Permission
from freddy_admin.sync.checks.requests import CheckRequestOutcome, check_request
from freddy_admin.vault.models import KeyLifecycle
from freddy_admin.vault.selectors import api_keys_list
from freddy_admin.web.access import WRITE_METHODS, organisation_permission_required
from freddy_admin.web.presenters.organisation_key_list import KEY_CARDS_LIMIT
from freddy_admin.wording.keys import check_not_repeated
from freddy_admin.wording.sentences import render_text
from freddy_admin.wording.times import get_user_time


@organisation_permission_required(Permission.CHECK, WRITE_METHODS)
def key_check_request_view(request: HttpRequest, access: Access, key_id: int) -> HttpResponse:
    """Ask for a check of one key; a message where it was refused."""
    now = clock.now()
    result = check_request(
        organisation=access.organisation, actor=actor_from_request(request), key_id=key_id
    )
    page_url = _result_page_url(request, access, key_id)
    if result.outcome in {CheckRequestOutcome.ASKED, CheckRequestOutcome.JOINED}:
        requested_at_ms = int(now.timestamp() * 1000)
        return HttpResponseRedirect(f"{page_url}?asked={requested_at_ms}#key-{key_id}")
    messages.info(
        request, render_text(check_not_repeated(result.held_until), get_user_time(clock.now()))
    )
    return HttpResponseRedirect(f"{page_url}#key-{key_id}")


def _result_page_url(request: HttpRequest, access: Access, key_id: int) -> str:
    """The page that will show the result: the key's own for whoever pressed the button there.

    Also where the organisation has so many keys that its page may not show this one.
    """
    organisation = access.organisation
    active_keys = api_keys_list(organisation=organisation).filter(status=KeyLifecycle.ACTIVE)
    if "from_key" in request.POST or active_keys.count() > KEY_CARDS_LIMIT:
        return reverse("key", args=[organisation.slug, key_id])
    return reverse("organisation", args=[organisation.slug])
