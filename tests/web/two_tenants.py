"""Two tenants that have everything, every text of the one beginning with a word of its own."""

from dataclasses import dataclass, field
from datetime import timedelta
from typing import Any
from uuid import UUID

from django.apps import apps
from django.db.models import Model

from freddy_admin.accounts.models import ApiToken, TokenScope, User, UserSession
from freddy_admin.accounts.saved_views import saved_view_keep
from freddy_admin.accounts.tokens.grants import TokenWish
from freddy_admin.accounts.tokens.panel_tokens import api_token_create
from freddy_admin.audit.services import OPERATOR, Actor, audit_record
from freddy_admin.audit.tags import Tag
from freddy_admin.core import clock
from freddy_admin.core.models import TenantOwned
from freddy_admin.organisations.access import place_of
from freddy_admin.organisations.models import Organisation
from freddy_admin.sync.models import (
    CheckRun,
    EventKind,
    HistoryEvent,
    ListingKind,
    OrderState,
)
from freddy_admin.sync.orders.placing import batch_open, order_sync
from freddy_admin.vault.models import (
    ApiKey,
    ImportDraft,
    ImportDraftRow,
    KeyCandidate,
    KeyStatus,
    KeyTag,
)
from tests.web.conftest import MakeKey
from tests.web.listings import connector, listed, ordered
from tests.web.membership import invitation_made, member_made

_NUMBERS = (
    "key_id",
    "user_id",
    "person_id",
    "invitation_id",
    "view_id",
    "token_id",
    "order_id",
    "pk",
    "session_id",
)


@dataclass
class Tenant:
    """An organisation with its ids, by the names they have in addresses."""

    word: str
    organisation: Organisation
    manager: User
    bearer: str = ""
    ids: dict[str, Any] = field(default_factory=dict)

    def said(self, what: str) -> str:
        """A text of this tenant, such as `zqlabel`."""
        return f"{self.word}{what}"


def tenant_filled(word: str, make_key: MakeKey) -> Tenant:
    """Everything a tenant can have, each text recognisable by `word`."""
    here = Organisation.objects.create(
        name=f"{word.title()}place", slug=f"{word}slug", created_at=clock.now()
    )
    named = {"email": f"{word}boss@{word}.example", "name": f"{word}boss"}
    one = Tenant(word, here, member_made(here, "manager", **named))
    key = _key(one, make_key)
    _past(one, key)
    _people(one)
    _asked(one, key)
    _pasted(one, key)
    return one


def _key(one: Tenant, make_key: MakeKey) -> ApiKey:
    said = one.said
    details = {"owner": one.manager, "organization_id": said("orgid")}
    # The same figures in both tenants: keys that report the same are named beside each other.
    key = make_key(
        said("label"),
        at=one.organisation,
        key=details,
        outcome="failed",
        error_kind="http_error",
        error_code=said("code"),
        error_http_status=500,
        error_message=said("message"),
        error_field=said("field"),
        error_detail=said("detail"),
        trace_id=said("trace"),
        request_id=said("request"),
        reported_organization_id=said("reported"),
        requested_by=said("asker"),
        requested_at=clock.now(),
        failures=3,
        failing_since=clock.now() - timedelta(minutes=3),
        figures_mark="same-figures",
        figures_before="same-before",
        figures_count=9,
    )
    ApiKey.objects.filter(pk=key.pk).update(hint_start=said("start"), hint_end=said("end")[:4])
    key.tags.add(KeyTag.objects.create(organisation=one.organisation, name=said("tag")))
    make_key(
        said("paused"),
        at=one.organisation,
        key={"paused_at": clock.now(), "paused_by": said("pauser")},
    )
    draft = ApiKey.objects.create(
        organisation=one.organisation,
        label=said("draft"),
        status=KeyStatus.DRAFT,
        created_at=clock.now(),
    )
    KeyCandidate.objects.create(
        key=draft,
        version=1,
        state="refused",
        outcome_message=said("refusal"),
        outcome_kind="key_refused",
        created_by=said("paster"),
        created_at=clock.now(),
    )
    one.ids |= {"slug": one.organisation.slug, "key_id": key.pk, "kind": "connectors"}
    return key


def _past(one: Tenant, key: ApiKey) -> None:
    said, at = one.said, clock.now() - timedelta(minutes=30)
    HistoryEvent.objects.create(
        organisation=one.organisation,
        key=key,
        kind=EventKind.KEY_CHANGED,
        at=at,
        noticed_at=at,
        actor_name=said("changer"),
        details={"what": "edited", "note": said("note")},
    )
    HistoryEvent.objects.create(
        organisation=one.organisation,
        key=key,
        kind=EventKind.CHECK_FAILED,
        at=at,
        noticed_at=at,
        details={"kind": "http_error", "message": said("failure"), "code": said("failcode")},
    )
    CheckRun.objects.create(
        organisation=one.organisation,
        key=key,
        key_version=1,
        first_at=at,
        last_at=at,
        count=2,
        outcome="failed",
        error_kind="http_error",
        error_code=said("runcode"),
    )
    listed(key, connector(said("tool"), display_name=said("connector")), ago=1)
    listed(key, {"id": said("auth"), "name": said("authname")}, kind=ListingKind.AUTH_CONFIGS)
    audit_record(
        tag=Tag.KEY_CHANGED,
        actor=Actor(said("auditor"), id=one.manager.pk, address="192.0.2.77"),
        place=place_of(one.organisation),
        subject=said("subject"),
        changes={"label": [said("old"), said("new")]},
    )


def _people(one: Tenant) -> None:
    said = one.said
    invitation, __ = invitation_made(
        one.organisation, f"{said('invited')}@{one.word}.example", invited_by=said("inviter")
    )
    member = member_made(
        one.organisation, name=said("member"), email=f"{said('member')}@{one.word}.example"
    )
    view = saved_view_keep(
        actor=OPERATOR, user=one.manager, name=said("view"), query=f"tag={said('tag')}"
    )
    wish = TokenWish(TokenScope.ACT, frozenset({one.organisation.pk}))
    own = Actor(said("boss"), id=one.manager.pk)
    one.bearer = api_token_create(actor=own, user=one.manager, name=said("script"), wish=wish)
    session = UserSession.objects.create(
        user=one.manager, ip="192.0.2.78", session_key_hash=said("key"), user_agent=said("browser")
    )
    one.ids |= {
        "session_id": session.pk,
        "user_id": member.pk,
        "person_id": member.pk,
        "invitation_id": invitation.pk,
        "view_id": view.pk,
        "token_id": ApiToken.objects.get(user=one.manager).pk,
        "token": f"token-of-{invitation.pk}",
    }


def _asked(one: Tenant, key: ApiKey) -> None:
    actor = Actor(one.said("starter"), id=one.manager.pk)
    batch = batch_open(actor=actor)
    order = order_sync(
        organisation=one.organisation, actor=actor, key_id=key.pk, full=True, batch=batch
    )
    ordered(
        key,
        one.said("switched"),
        OrderState.REFUSED,
        tool_name=one.said("switch"),
        requested_by=one.said("switcher"),
        error_message=one.said("switchfault"),
        error_kind="http_error",
    )
    one.ids |= {"batch_id": batch.pk, "order_id": order.pk}


def _pasted(one: Tenant, key: ApiKey) -> None:
    draft = ImportDraft.objects.create(person=one.manager, created_at=clock.now())
    ImportDraftRow.objects.create(
        draft=draft,
        number=1,
        organisation=one.organisation,
        organisation_name=one.organisation.name,
        label=one.said("pasted"),
        tags=[one.said("pastedtag")],
        key=key,
    )
    one.ids |= {"draft_id": draft.pk}


def missing_ids() -> dict[str, Any]:
    """What no tenant has."""
    return {
        "slug": "nowhere-at-all",
        "kind": "connectors",
        "token": "token-of-nobody",
        "batch_id": UUID(int=7),
        "draft_id": UUID(int=7),
    } | dict.fromkeys(_NUMBERS, 987_654_321)


def tenant_models() -> list[type[Model]]:
    """Every kind of row that belongs to an organisation; a new one is to be filled here, too."""
    return [model for model in apps.get_models() if issubclass(model, TenantOwned)]


def rows_of(one: Tenant) -> list[Any]:
    """Everything of a tenant as it is, to see that it stays so."""
    found: list[Any] = [list(Organisation.objects.filter(pk=one.organisation.pk).values())]
    for model in tenant_models():
        rows = model._default_manager.filter(organisation=one.organisation)  # type: ignore[misc]
        found.append(sorted(rows.values_list(), key=str))
    memberships = one.organisation.memberships.order_by("pk")  # type: ignore[attr-defined]
    people = User.objects.filter(memberships__organisation=one.organisation).order_by("pk")
    return [*found, list(memberships.values()), list(people.values())]
