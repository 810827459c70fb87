"""Who may open what: a row for every address, tried by everyone with every method."""

from collections.abc import Iterator

import pytest
from django.http.response import HttpResponseBase
from django.test import Client
from django.urls import URLPattern, URLResolver, get_resolver, reverse

from freddy_admin.accounts.saved_views import saved_view_keep
from freddy_admin.audit.services import OPERATOR, Actor
from freddy_admin.organisations.models import Organisation
from freddy_admin.sync.orders.placing import batch_open, order_sync
from freddy_admin.vault.import_reads import import_drafts_of
from tests.vault.pasting import laid_out
from tests.web.conftest import MakeKey, People, SignIn
from tests.web.machines import token_made
from tests.web.membership import invitation_made, member_made
from tests.web.undone import let_go

WHO = ("signed out", "stranger", "viewer", "operator", "manager", "admin")
# Answers to GET and to POST, by who asks; 302 from a GET leads to the sign-in page.
SEE_OWN = ((302, 200, 200, 200, 200, 200), (302, 405, 405, 405, 405, 405))
OWN_FORM = ((302, 200, 200, 200, 200, 200), (302, 200, 200, 200, 200, 200))
ADMIN = ((302, 403, 403, 403, 403, 200), (302, 403, 403, 403, 403, 405))
ADMIN_FORM = ((302, 403, 403, 403, 403, 200), (302, 403, 403, 403, 403, 200))
VIEW = ((302, 404, 200, 200, 200, 200), (302, 405, 405, 405, 405, 405))
CHECK = ((302, 405, 405, 405, 405, 405), (302, 404, 403, 302, 302, 302))
MANAGE_FORM = ((302, 404, 403, 403, 200, 200), (302, 404, 403, 403, 200, 200))
REMOVE_FORM = ((302, 404, 403, 403, 403, 200), (302, 404, 403, 403, 403, 200))
MANAGE_DOES = ((302, 405, 405, 405, 405, 405), (302, 404, 403, 403, 302, 302))
REVOKE = ((302, 404, 403, 403, 200, 200), (302, 404, 403, 403, 302, 302))
# No candidate waits here: somebody who may decide is told so.
CANDIDATE = ((302, 405, 405, 405, 405, 405), (302, 404, 403, 403, 409, 409))
ADMIN_READ = ((302, 403, 403, 403, 403, 200), (302, 405, 405, 405, 405, 405))
START_SYNC = ((302, 404, 403, 200, 200, 200), (302, 404, 403, 302, 302, 302))
# Each person chooses among their own; without a choice one is sent back.
START_SYNCS = ((302, 200, 200, 200, 200, 200), (302, 302, 302, 302, 302, 302))
MACHINE = ((401, 401, 401, 401, 401, 401), (405, 405, 405, 405, 405, 405))
MACHINE_DOES = (MACHINE[1], MACHINE[0])
NOWHERE = ((404,) * 6, (404,) * 6)
MACHINES = (MACHINE, MACHINE_DOES, NOWHERE)
OWN_DOES = ((302, 405, 405, 405, 405, 405), (302, 302, 302, 302, 302, 302))
# There is an administrator, and so no first visit any more, for anybody.
OVER = ((404,) * 6, (405,) * 6)
OVER_FORM = ([404] * 6, [404] * 6)
# A session of nobody who asks: each person ends their own alone.
NOBODYS = ((302, 405, 405, 405, 405, 405), (302, 404, 404, 404, 404, 404))
# It is the viewer's: for everybody else, platform admins included, it is not there.
VIEWERS_ALONE = ((302, 405, 405, 405, 405, 405), (302, 404, 302, 404, 404, 404))
EXPORT = ((302, 404, 403, 403, 200, 200), (302, 404, 403, 403, 200, 200))
# A platform admin who is no member has nothing to leave.
LEAVE = ((302, 404, 200, 200, 200, 404), (302, 404, 302, 302, 302, 404))
ADMIN_DOES = ((302, 405, 405, 405, 405, 405), (302, 403, 403, 403, 403, 302))
# Whoever has the link; whether it was sent to them is said on the page.
LINK = ((200, 200, 200, 200, 200, 200), (200, 200, 200, 200, 200, 200))
# For whoever looks after the keys of some organisation; an import is its maker's, the manager's.
IMPORT = ((302, 200, 403, 403, 200, 200), (302, 200, 403, 403, 200, 200))
IMPORT_OWN = ((302, 404, 403, 403, 200, 404), (302, 405, 405, 405, 405, 405))
IMPORT_DOES = ((302, 405, 405, 405, 405, 405), (302, 404, 403, 403, 302, 404))
TABLE = {
    "overview": SEE_OWN,
    "overview_csv": SEE_OWN,
    "import_new": IMPORT,
    "import_draft": IMPORT_OWN,
    "import_confirm": IMPORT_DOES,
    "import_retest": IMPORT_DOES,
    "import_discard": IMPORT_DOES,
    "audit": SEE_OWN,
    "audit_csv": OWN_FORM,
    "system": ADMIN_READ,
    "clock_confirm": ADMIN_DOES,
    "profile": OWN_FORM,
    "first_visit": OVER,
    "first_visit_link": OVER_FORM,
    "single_sign_on_unlink": OWN_DOES,
    "sessions": SEE_OWN,
    "sessions_end": OWN_DOES,
    "session_end": NOBODYS,
    "profile_export": OWN_FORM,
    "roles": SEE_OWN,
    "people": ADMIN_READ,
    "person": ADMIN_READ,
    "person_change": ADMIN_DOES,
    "person_unlink": ADMIN_DOES,
    "person_remove": ADMIN_FORM,
    "person_export": ADMIN_FORM,
    "invitation": LINK,
    "invitation_accept": OWN_DOES,
    "tokens": SEE_OWN,
    "token_new": OWN_FORM,
    "token_revoke": VIEWERS_ALONE,
    "view_keep": OWN_DOES,
    "view_remove": VIEWERS_ALONE,
    "organisation_add": ADMIN_FORM,
    "organisation": VIEW,
    "organisation_rename": MANAGE_FORM,
    "organisation_remove": REMOVE_FORM,
    "organisation_export": EXPORT,
    "members": VIEW,
    "member": MANAGE_FORM,
    "member_remove": REVOKE,
    "member_invite": MANAGE_FORM,
    "member_invitation": REVOKE,
    "leave": LEAVE,
    "connectors": VIEW,
    "auth_configs": VIEW,
    "listing_check": CHECK,
    "connector_switch": MANAGE_FORM,
    "key_add": MANAGE_FORM,
    "key": VIEW,
    "key_check": CHECK,
    "key_sync": START_SYNC,
    "syncs_new": START_SYNCS,
    "syncs_batch": VIEW,
    "key_replace": MANAGE_FORM,
    "key_edit": MANAGE_FORM,
    "key_pause": MANAGE_DOES,
    "key_resume": MANAGE_DOES,
    "key_revoke": MANAGE_FORM,
    "candidate_keep": CANDIDATE,
    "candidate_retest": CANDIDATE,
    "candidate_discard": CANDIDATE,
    "statuses": MACHINE,
    "events": MACHINE,
    "order": MACHINE,
    "check": MACHINE_DOES,
    "sync": MACHINE_DOES,
    "api_nowhere": NOWHERE,
}
# Addresses that others' tests look after: sign-in pages, health, metrics, the schema.
ELSEWHERE_PREFIXES = ("accounts/",)
ELSEWHERE = {"healthz", "readyz", "metrics", "openapi-json", "api-root"}


def _patterns(resolver: URLResolver, prefix: str = "") -> Iterator[tuple[str, URLPattern]]:
    for one in resolver.url_patterns:
        route = prefix + str(one.pattern)
        if isinstance(one, URLResolver):
            yield from _patterns(one, route)
        else:
            yield route, one


def test_every_address_has_a_row() -> None:
    found = {
        pattern.name or route
        for route, pattern in _patterns(get_resolver())
        if not route.startswith(ELSEWHERE_PREFIXES)
    }
    assert found - ELSEWHERE == set(TABLE)


def test_every_page_went_through_the_gate() -> None:
    open_pages = [
        route
        for route, pattern in _patterns(get_resolver())
        if pattern.name in TABLE
        and TABLE[pattern.name] not in MACHINES
        and not getattr(pattern.callback, "access_rule", "")
    ]
    assert open_pages == []


@pytest.mark.parametrize("name", TABLE)
def test_an_address_answers_each_person_as_the_table_says(
    name: str, people: People, signed_in: SignIn, organisation: Organisation, make_key: MakeKey
) -> None:
    answers: dict[str, tuple[int, int]] = {}
    for who in WHO:
        client = Client() if who == "signed out" else signed_in(getattr(people, who))
        machine = TABLE[name] in MACHINES
        address = (
            _machine_address(name) if machine else _address(name, organisation, make_key, people)
        )
        answers[who] = (_status(client.get(address)), _status(client.post(address)))
    gets, posts = TABLE[name]
    assert answers == dict(zip(WHO, zip(gets, posts, strict=True), strict=True))


def _status(answer: HttpResponseBase) -> int:
    let_go(answer)  # files that nobody reads
    return answer.status_code


OF_ONE_PERSON = {
    *(
        "view_remove",
        "token_revoke",
        "import_draft",
        "import_confirm",
        "import_retest",
        "import_discard",
    )
}


def _of_one_person(name: str, people: People) -> object:
    if name == "view_remove":
        return saved_view_keep(
            actor=OPERATOR, user=people.viewer, name="Late", query="state=late"
        ).pk
    if name == "token_revoke":
        return token_made(people.viewer)
    draft = import_drafts_of(user=people.manager).first()
    return (draft or laid_out(people.manager, "Alder,Main")).pk


OF_PEOPLE = {
    *("member", "member_remove", "member_invitation", "invitation", "invitation_accept"),
    *("person", "person_change", "person_export", "person_remove", "person_unlink"),
}


def _address_of_people(name: str, organisation: Organisation) -> str:
    if name in {"member", "member_remove"}:
        return reverse(name, args=[organisation.slug, member_made(organisation).pk])
    if name.startswith("person"):
        return reverse(name, args=[member_made(organisation).pk])
    made, token = invitation_made(organisation)
    return reverse(
        name, args=[organisation.slug, made.pk] if name == "member_invitation" else [token]
    )


def _address(name: str, organisation: Organisation, make_key: MakeKey, people: People) -> str:
    if name in OF_ONE_PERSON:
        return reverse(name, args=[_of_one_person(name, people)])
    if name == "first_visit_link":
        return reverse(name, args=["freddy_made-up"])
    if name == "session_end":
        return reverse(name, args=[2**40])
    if name == "syncs_batch":
        key, actor = make_key("Synced"), Actor("Ana")
        batch = batch_open(actor=actor)
        order_sync(organisation=organisation, actor=actor, key_id=key.pk, full=False, batch=batch)
        return reverse(name, args=[batch.pk])
    if name in OF_PEOPLE:
        return _address_of_people(name, organisation)
    if name == "listing_check":
        return reverse(name, args=[organisation.slug, make_key("Listed").pk, "connectors"])
    if name == "connector_switch":
        page = reverse(name, args=[organisation.slug, make_key("Switched").pk])
        return f"{page}?tool=gmail&on=0"
    if name.startswith("candidate_") or (name.startswith("key") and name != "key_add"):
        return reverse(name, args=[organisation.slug, make_key(f"for {name}").pk])
    if name.startswith("organisation_") and name != "organisation_add":
        return reverse(name, args=[organisation.slug])
    within = {
        "organisation",
        "members",
        "member_invite",
        "leave",
        "key_add",
        "connectors",
        "auth_configs",
    }
    return reverse(name, args=[organisation.slug] if name in within else [])


def _machine_address(name: str) -> str:
    if name == "api_nowhere":
        return reverse(name, args=["v1/nowhere"])
    # A token is the way in, and a test of its own: here there is none.
    arguments: dict[str, list[object]] = {"statuses": [], "events": ["alder"]}
    return reverse(f"api:{name}", args=arguments.get(name, [1]))
