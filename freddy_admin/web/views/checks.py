"""*Check now*: asks the worker, and leads to the page where the evidence appears."""

from django.contrib import messages
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.urls import reverse
from django.utils.translation import gettext as _

from freddy_admin.accounts.actors import actor_of
from freddy_admin.core import clock
from freddy_admin.organisations.access import Access
from freddy_admin.organisations.roles import Permission
from freddy_admin.sync.freshness import Answer, CheckRequest, check_request
from freddy_admin.vault.models import KeyStatus
from freddy_admin.vault.selectors import api_keys_of
from freddy_admin.web.access import WRITE, within_organisation
from freddy_admin.web.presenters.key_list import PANELS
from freddy_admin.web.presenters.times import reading


@within_organisation(Permission.CHECK, WRITE)
def check(request: HttpRequest, access: Access, key_id: int) -> HttpResponse:
    """Ask for a check of one key."""
    now = clock.now()
    answer = check_request(organisation=access.organisation, actor=actor_of(request), key_id=key_id)
    page = _page(request, access, key_id)
    if answer.answer in {Answer.ASKED, Answer.JOINED}:
        asked = int(now.timestamp() * 1000)
        return HttpResponseRedirect(f"{page}?asked={asked}#key-{key_id}")
    messages.info(request, _sentence(answer))
    return HttpResponseRedirect(f"{page}#key-{key_id}")


def _page(request: HttpRequest, access: Access, key_id: int) -> str:
    """Where the outcome will be seen: on the key's own page for who came from there.

    So, too, where the organisation has so many keys that its page may not show this one.
    """
    here = access.organisation
    active = api_keys_of(organisation=here).filter(status=KeyStatus.ACTIVE)
    if "from_key" in request.POST or active.count() > PANELS:
        return reverse("key", args=[here.slug, key_id])
    return reverse("organisation", args=[here.slug])


def _sentence(answer: CheckRequest) -> str:
    if answer.held_until is not None:
        on = reading(clock.now())
        return _(
            "Aitronos asked us to wait, so the check comes at %(at)s, without you pressing again."
        ) % {"at": on.clock(answer.held_until)}
    return _("This key was checked a moment ago: that result is shown here.")
