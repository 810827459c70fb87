"""A person sees their organisations alone: nothing of another tenant, wherever they look.

Everything of the other tenant begins with one word. Each address there is is asked for as each
role, with ids of the other tenant in path, query and form: the word must not appear, nothing of it
may change, and what is foreign answers as what is missing, in as many queries.
"""

from dataclasses import dataclass
from urllib.parse import urlencode

import pytest
from django.test import Client

from freddy_admin.accounts.models import TokenScope, User
from freddy_admin.accounts.tokens.grants import TokenWish
from freddy_admin.accounts.tokens.panel_tokens import api_token_create
from freddy_admin.audit.services import Actor
from tests.web.conftest import MakeKey, SignIn
from tests.web.crawling import Answered, Asked, Crawler, asked_for, plain, without_asked
from tests.web.membership import member_made
from tests.web.two_tenants import Tenant, missing_ids, rows_of, tenant_filled, tenant_models

HUSH, OWN = "hushzq", "plain"
ROLES = ("viewer", "operator", "manager", "stranger")
# Texts of a tenant that its manager finds somewhere: if they were told to others, we would see it.
SEEN_BY_THEIR_OWN = {
    *("place", "slug", "boss@", "label", "orgid", "tag", "code", "message", "trace", "paused"),
    *("pauser", "draft", "changer", "failure", "connector", "auditor"),
    *("subject", "old", "new", "invited", "inviter", "member", "view", "starter", "switch"),
    *("script", "start"),
}


@dataclass
class Both:
    """The tenant of whoever looks, and the other one."""

    own: Tenant
    hush: Tenant
    crawler: Crawler


@pytest.fixture
def tenants(make_key: MakeKey) -> tuple[Tenant, Tenant]:
    return tenant_filled(OWN, make_key), tenant_filled(HUSH, make_key)


@pytest.fixture(params=ROLES)
def both(request: pytest.FixtureRequest, tenants: tuple[Tenant, Tenant], signed_in: SignIn) -> Both:
    own, hush = tenants
    if request.param == "stranger":
        user = User.objects.create(email="nobody@example.org")
    else:
        user = member_made(own.organisation, request.param)
    return Both(own, hush, crawler_of(user, signed_in(user)))


def crawler_of(user: User, client: Client) -> Crawler:
    wish = TokenWish(TokenScope.ACT)
    bearer = api_token_create(actor=Actor("Ann"), user=user, name="crawl", wish=wish)
    return Crawler(client, bearer)


def leaks(asked: Asked, answered: Answered) -> list[str]:
    """Where the word stands, apart from what was asked for in so many words."""
    body = without_asked(answered.body, asked)
    at = (body + answered.headers).lower().find(HUSH)
    return [] if at < 0 else [f"{asked}: {(body + answered.headers)[max(0, at - 80) : at + 80]!r}"]


def test_both_tenants_have_everything_there_is(tenants: tuple[Tenant, Tenant]) -> None:
    for one in tenants:
        empty = [
            model.__name__
            for model in tenant_models()
            if not model._default_manager.filter(organisation=one.organisation).exists()
        ]
        assert empty == [], "fill it in two_tenants.py"


def test_their_own_manager_finds_these_words(
    tenants: tuple[Tenant, Tenant], signed_in: SignIn
) -> None:
    hush = tenants[1]
    crawler = Crawler(signed_in(hush.manager), hush.bearer)
    bodies = [crawler.ask(asked, hush).body for asked in asked_for(hush.ids, "")]
    everything = "\n".join(bodies).lower()

    assert [word for word in SEEN_BY_THEIR_OWN if f"{HUSH}{word}" not in everything] == []


def test_no_word_of_others_is_on_any_page_of_ones_own(both: Both) -> None:
    found = []
    for asked in asked_for(both.own.ids, "theirs"):
        found += leaks(asked, both.crawler.ask(asked, both.hush))
    assert found == []


def test_foreign_ids_tell_nothing_and_change_nothing(both: Both) -> None:
    before, found = rows_of(both.hush), []

    def unchanged() -> None:
        assert rows_of(both.hush) == before

    for asked in asked_for(both.hush.ids, "theirs"):
        for one in _placed(asked, both.own):
            check = unchanged if one.method == "post" else None
            answered = both.crawler.ask(one, both.hush, check=check)
            found += leaks(one, answered)
    assert found == []


def test_what_is_foreign_answers_as_what_is_missing_in_as_many_queries(both: Both) -> None:
    missing, differing = missing_ids(), []
    for asked in asked_for(both.hush.ids, ""):
        for one in _placed(asked, both.own):
            if not one.gaps:
                continue
            kept = () if one.gaps[0][1] != both.own.ids["slug"] else ("slug",)
            other = one.filled({**missing, "rest": "5"}, besides=kept)
            foreign, gone = both.crawler.ask(one, both.hush), both.crawler.ask(other, both.hush)
            if plain(foreign, one) != plain(gone, other) or foreign.queries != gone.queries:
                sums = (foreign.status, foreign.queries), (gone.status, gone.queries)
                differing.append(f"{one.method} {one.path} {sums}")
    assert differing == []


def _placed(asked: Asked, own: Tenant) -> list[Asked]:
    """With the foreign organisation's name in the address, and with one's own around the ids."""
    names = [name for name, __ in asked.gaps]
    if "slug" not in names or len(names) == 1:
        return [asked]
    return [asked, asked.filled({**dict(asked.gaps), "slug": own.ids["slug"]})]


@pytest.mark.parametrize("path", ["/", "/audit/", "/overview.csv", "/organisations/plainslug/"])
@pytest.mark.parametrize("name", ["q", "tag", "owner", "state", "show"])
def test_a_search_for_their_words_finds_what_a_search_for_nonsense_finds(
    path: str, name: str, tenants: tuple[Tenant, Tenant], signed_in: SignIn
) -> None:
    own, hush = tenants
    client = signed_in(member_made(own.organisation, "manager"))
    for word in ("label", "place", "tag", "boss", "subject", "auditor"):
        told = []
        for asked in (hush.said(word), f"xk{word}"):
            answer = client.get(f"{path}?{urlencode({name: asked})}")
            text = answer.getvalue().decode().replace(asked, "·")
            told.append(plain(Answered(answer.status_code, text, "", 0), Asked(path, ())))
        assert told[0] == told[1]


def test_ones_own_pages_are_as_if_the_others_did_not_exist(both: Both) -> None:
    pages = [
        one
        for one in asked_for(both.own.ids, "")
        # Setting up a second factor begins with something random each time.
        if one.method == "get" and not one.route.startswith("accounts/2fa/")
    ]
    beside = [both.crawler.ask(one, both.own) for one in pages]
    assert [line for one, two in zip(pages, beside, strict=True) for line in leaks(one, two)] == []
    both.hush.organisation.delete()
    User.objects.filter(email__contains=HUSH).delete()
    alone = [both.crawler.ask(one, both.own) for one in pages]

    told = zip(pages, beside, alone, strict=True)
    assert [
        f"{page.path} {one.status} {one.queries} {two.queries}"
        for page, one, two in told
        if plain(one, page) != plain(two, page) or one.queries != two.queries
    ] == []
