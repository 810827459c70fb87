"""A person sees their own organisations alone: nothing of another tenant, on any page.

Every text of the other tenant begins with a marker. Every URL is requested in each role, with ids
of the other tenant in path, query and form: the marker must not appear, no row of the other tenant
may change, and a foreign id is answered like a missing one, in as many queries. `make drills`
requests every URL in every role. Else the manager, who is shown most, requests every URL for the
marker, and of the other roles each takes a third; for what is compared the roles take turns.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlencode

import pytest
from django.test import Client

from freddy_admin.accounts.api_tokens import ApiTokenOptions, api_token_create
from freddy_admin.accounts.models import TokenScope, User
from freddy_admin.audit.services import Actor
from freddy_admin.organisations.models import Organisation
from tests.drill_scale import RUN_FULL_DRILLS
from tests.hand_clock import hand_clock_block
from tests.module_rows import module_rows
from tests.web.conftest import HandClock, SignIn, key_maker
from tests.web.member_factories import create_member
from tests.web.tenant_factory import (
    Tenant,
    create_filled_tenant,
    ids_of_no_tenant,
    list_tenant_models,
    tenant_rows,
)
from tests.web.url_crawler import (
    Crawler,
    CrawlRequest,
    CrawlResponse,
    list_crawl_requests,
    list_routes,
    normalize_response,
    remove_request_values,
)

FOREIGN_MARKER, OWN_MARKER = "hushzq", "plain"
SAMPLING_ROLES = ("viewer", "operator", "stranger")
ROLES = (*SAMPLING_ROLES, "manager")
# Texts of a tenant that its manager finds on pages: a leak of them to others would be seen.
SEEN_BY_THEIR_OWN = {
    *("place", "slug", "boss@", "label", "orgid", "tag", "code", "message", "trace", "paused"),
    *("pauser", "draft", "changer", "failure", "connector", "auditor"),
    *("subject", "old", "new", "invited", "inviter", "member", "view", "starter", "switch"),
    *("script", "start"),
    *("acknowledger", "incidentnote", "mutereason", "windowreason", "rule", "channel", "host"),
    *("answer", "reply"),
}


@dataclass
class TenantCrawl:
    """A crawler of a person of the own tenant, and the foreign tenant it must not see."""

    own_tenant: Tenant
    foreign_tenant: Tenant
    crawler: Crawler
    role: str

    def requests(self, ids: Mapping[str, Any], extra_ids_of: str) -> Iterator[CrawlRequest]:
        """The requests of this role for the marker: of every URL, or of its third of them."""
        return self._requests_of(SAMPLING_ROLES, ids, extra_ids_of)

    def compared_requests(self, ids: Mapping[str, Any]) -> Iterator[CrawlRequest]:
        """The requests of this role whose responses are compared: one role for each URL."""
        return self._requests_of(ROLES, ids, "")

    def _requests_of(
        self, roles: Sequence[str], ids: Mapping[str, Any], extra_ids_of: str
    ) -> Iterator[CrawlRequest]:
        routes = list_routes()
        live_routes = routes if RUN_FULL_DRILLS else routes[:: len(SAMPLING_ROLES)]
        if self.role in roles and not RUN_FULL_DRILLS:
            routes = routes[roles.index(self.role) :: len(roles)]
            live_routes = routes
        for crawl_request in list_crawl_requests(ids, extra_ids_of):
            if crawl_request.route in (live_routes if crawl_request.is_live else routes):
                yield crawl_request


@pytest.fixture(scope="module")
def _module_tenants(
    django_db_setup: None, django_db_blocker: Any
) -> Iterator[tuple[Tenant, Tenant]]:
    def make() -> tuple[Tenant, Tenant]:
        own, foreign = (
            create_filled_tenant(marker, key_maker()) for marker in (OWN_MARKER, FOREIGN_MARKER)
        )
        return own, foreign

    with hand_clock_block(), module_rows(django_db_blocker, make) as tenants:
        yield tenants


@pytest.fixture
def tenants(
    _module_tenants: tuple[Tenant, Tenant], db: None, hand_clock: HandClock
) -> tuple[Tenant, Tenant]:
    """The own tenant and the foreign one, the same for all tests here."""
    return _module_tenants


@pytest.fixture(params=ROLES)
def tenant_crawl(
    request: pytest.FixtureRequest, tenants: tuple[Tenant, Tenant], signed_in: SignIn
) -> TenantCrawl:
    own_tenant, foreign_tenant = tenants
    if request.param == "stranger":
        user = User.objects.create(email="nobody@example.org")
    else:
        user = create_member(own_tenant.organisation, request.param)
    return TenantCrawl(own_tenant, foreign_tenant, crawler_of(user, signed_in(user)), request.param)


def crawler_of(user: User, client: Client) -> Crawler:
    token_options = ApiTokenOptions(TokenScope.ACT)
    bearer = api_token_create(
        actor=Actor("Ann"), user=user, name="crawl", token_options=token_options
    )
    return Crawler(client, bearer)


def find_leaked_texts(crawl_request: CrawlRequest, crawl_response: CrawlResponse) -> list[str]:
    """Where the foreign marker stands in a response, apart from what the request itself said."""
    body = remove_request_values(crawl_response.body, crawl_request)
    at = (body + crawl_response.headers).lower().find(FOREIGN_MARKER)
    return (
        []
        if at < 0
        else [f"{crawl_request}: {(body + crawl_response.headers)[max(0, at - 80) : at + 80]!r}"]
    )


def test_both_tenants_have_everything_there_is(tenants: tuple[Tenant, Tenant]) -> None:
    for tenant in tenants:
        empty_models = [
            model.__name__
            for model in list_tenant_models()
            if not model._default_manager.filter(organisation=tenant.organisation).exists()
        ]
        assert empty_models == [], "fill it in tenant_factory.py"


def test_manager_of_a_tenant_finds_its_words(
    tenants: tuple[Tenant, Tenant], signed_in: SignIn
) -> None:
    tenant = tenants[1]
    crawler = Crawler(signed_in(tenant.manager), tenant.bearer)
    bodies = [
        crawler.send(crawl_request, tenant).body
        for crawl_request in list_crawl_requests(tenant.ids, "")
        if crawl_request.method == "get" and not crawl_request.is_live
    ]
    everything = "\n".join(bodies).lower()

    assert [word for word in SEEN_BY_THEIR_OWN if f"{FOREIGN_MARKER}{word}" not in everything] == []


@pytest.mark.drill
def test_no_word_of_another_tenant_is_on_any_page(tenant_crawl: TenantCrawl) -> None:
    leaked = []
    for crawl_request in tenant_crawl.requests(tenant_crawl.own_tenant.ids, "theirs"):
        leaked += find_leaked_texts(
            crawl_request, tenant_crawl.crawler.send(crawl_request, tenant_crawl.foreign_tenant)
        )
    assert leaked == []


@pytest.mark.drill
def test_ids_of_another_tenant_reveal_and_change_nothing(tenant_crawl: TenantCrawl) -> None:
    rows_before, leaked = tenant_rows(tenant_crawl.foreign_tenant), []

    def unchanged() -> None:
        assert tenant_rows(tenant_crawl.foreign_tenant) == rows_before

    for crawl_request in tenant_crawl.requests(tenant_crawl.foreign_tenant.ids, "theirs"):
        for placed_request in _foreign_id_variants(crawl_request, tenant_crawl.own_tenant):
            check = unchanged if placed_request.method == "post" else None
            crawl_response = tenant_crawl.crawler.send(
                placed_request, tenant_crawl.foreign_tenant, check=check
            )
            leaked += find_leaked_texts(placed_request, crawl_response)
    assert leaked == []


@pytest.mark.drill
@pytest.mark.sqlite_is_enough
def test_foreign_id_answers_like_a_missing_one_in_as_many_queries(
    tenant_crawl: TenantCrawl,
) -> None:
    missing_ids, differing_responses = ids_of_no_tenant(), []
    for crawl_request in tenant_crawl.compared_requests(tenant_crawl.foreign_tenant.ids):
        for placed_request in _foreign_id_variants(crawl_request, tenant_crawl.own_tenant):
            if not placed_request.url_values:
                continue
            kept_ids = (
                ()
                if placed_request.url_values[0][1] != tenant_crawl.own_tenant.ids["slug"]
                else ("slug",)
            )
            missing_request = placed_request.with_ids(
                {**missing_ids, "rest": "5"}, besides=kept_ids
            )
            foreign_response = tenant_crawl.crawler.send(
                placed_request, tenant_crawl.foreign_tenant
            )
            missing_response = tenant_crawl.crawler.send(
                missing_request, tenant_crawl.foreign_tenant
            )
            if (
                normalize_response(foreign_response, placed_request)
                != normalize_response(missing_response, missing_request)
                or foreign_response.queries != missing_response.queries
            ):
                sums = (
                    (foreign_response.status, foreign_response.queries),
                    (missing_response.status, missing_response.queries),
                )
                differing_responses.append(f"{placed_request.method} {placed_request.path} {sums}")
    assert differing_responses == []


def _foreign_id_variants(crawl_request: CrawlRequest, own_tenant: Tenant) -> list[CrawlRequest]:
    """The request with the foreign slug, and with the own slug around the foreign ids."""
    names = [name for name, __ in crawl_request.url_values]
    if "slug" not in names or len(names) == 1:
        return [crawl_request]
    return [
        crawl_request,
        crawl_request.with_ids({**dict(crawl_request.url_values), "slug": own_tenant.ids["slug"]}),
    ]


SEARCHED_WORDS = ("label", "place", "tag", "boss", "subject", "auditor")
SEARCH_NAMES = ("q", "tag", "owner", "state", "show")


@pytest.mark.drill
@pytest.mark.parametrize("path", ["/", "/audit/", "/overview.csv", "/organisations/plainslug/"])
@pytest.mark.parametrize("name", SEARCH_NAMES)
def test_search_for_words_of_another_tenant_finds_what_nonsense_finds(
    path: str, name: str, tenants: tuple[Tenant, Tenant], signed_in: SignIn
) -> None:
    own_tenant, foreign_tenant = tenants
    client = signed_in(create_member(own_tenant.organisation, "manager"))
    turn = SEARCH_NAMES.index(name)
    # Texts are searched by all words, each time; other values by each word in its turn.
    is_whole = RUN_FULL_DRILLS or name == "q"
    for word in SEARCHED_WORDS if is_whole else SEARCHED_WORDS[turn : turn + 1]:
        results = []
        for search in (foreign_tenant.text_of(word), f"xk{word}"):
            answer = client.get(f"{path}?{urlencode({name: search})}")
            text = answer.getvalue().decode().replace(search, "·")
            results.append(
                normalize_response(
                    CrawlResponse(answer.status_code, text, "", 0), CrawlRequest(path, ())
                )
            )
        assert results[0] == results[1]


@pytest.mark.drill
@pytest.mark.sqlite_is_enough
def test_pages_of_a_tenant_are_as_if_other_tenants_did_not_exist(tenant_crawl: TenantCrawl) -> None:
    pages = [
        crawl_request
        for crawl_request in tenant_crawl.compared_requests(tenant_crawl.own_tenant.ids)
        # The set-up of a second factor shows a new random secret each time.
        if crawl_request.method == "get" and not crawl_request.route.startswith("accounts/2fa/")
    ]
    responses_beside = [
        tenant_crawl.crawler.send(crawl_request, tenant_crawl.own_tenant) for crawl_request in pages
    ]
    assert [
        line
        for crawl_request, response in zip(pages, responses_beside, strict=True)
        for line in find_leaked_texts(crawl_request, response)
    ] == []
    Organisation.objects.filter(pk=tenant_crawl.foreign_tenant.organisation.pk).delete()
    User.objects.filter(email__contains=FOREIGN_MARKER).delete()
    responses_alone = [
        tenant_crawl.crawler.send(crawl_request, tenant_crawl.own_tenant) for crawl_request in pages
    ]

    triples = zip(pages, responses_beside, responses_alone, strict=True)
    assert [
        f"{page.path} {crawl_request.status} {crawl_request.queries} {response.queries}"
        for page, crawl_request, response in triples
        if normalize_response(crawl_request, page) != normalize_response(response, page)
        or crawl_request.queries != response.queries
    ] == []
