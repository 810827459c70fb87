"""Tenants that have a row of every kind, each text beginning with a marker of the tenant."""

from dataclasses import dataclass, field
from datetime import timedelta
from functools import cache
from typing import Any
from uuid import UUID

from django.apps import apps
from django.db.models import Model

from freddy_admin.accounts.api_tokens import ApiTokenOptions, api_token_create
from freddy_admin.accounts.models import ApiToken, TokenScope, User, UserSession
from freddy_admin.accounts.saved_views import saved_view_save
from freddy_admin.alerts.channels.person_channels import person_channel_get
from freddy_admin.alerts.models import (
    AlertRule,
    Cause,
    CauseKind,
    Channel,
    Delivery,
    DeliveryState,
    Incident,
    IncidentEvent,
    IncidentEventKind,
    Message,
)
from freddy_admin.audit.services import OPERATOR, Actor, audit_event_record
from freddy_admin.audit.tags import AuditTag
from freddy_admin.core import clock
from freddy_admin.core.models import TenantOwned
from freddy_admin.organisations.access import organisation_audit_ref
from freddy_admin.organisations.models import Membership, Organisation
from freddy_admin.sync.models import (
    CatalogKind,
    CheckRun,
    EventKind,
    HistoryEvent,
    OperationState,
)
from freddy_admin.sync.operations.services import operation_batch_create, sync_operation_create
from freddy_admin.sync.status.shared_figures import shared_figures_refresh
from freddy_admin.vault.models import (
    ApiKey,
    ImportDraft,
    ImportDraftRow,
    KeyCandidate,
    KeyLifecycle,
    KeyTag,
)
from tests.web.catalog_snapshots import connector_item, create_snapshot, create_switch_operation
from tests.web.channel_rows import create_channel
from tests.web.conftest import MakeKey
from tests.web.incident_rows import create_incident, create_mute, create_window
from tests.web.member_factories import create_invitation, create_member

_ID_NAMES = (
    "key_id",
    "user_id",
    "person_id",
    "invitation_id",
    "view_id",
    "token_id",
    "order_id",
    "pk",
    "session_id",
    "incident_id",
    "window_id",
    "channel_id",
    "rule_id",
)


@dataclass
class Tenant:
    """An organisation with its ids, by the names of the URL parameters."""

    marker: str
    organisation: Organisation
    manager: User
    bearer: str = ""
    ids: dict[str, Any] = field(default_factory=dict)
    channel: Channel = field(init=False)

    def text_of(self, suffix: str) -> str:
        """A text of this tenant, such as `zqlabel`."""
        return f"{self.marker}{suffix}"


def create_filled_tenant(marker: str, make_key: MakeKey) -> Tenant:
    """A tenant with a row of every kind, each text recognisable by `marker`."""
    organisation = Organisation.objects.create(
        name=f"{marker.title()}place", slug=f"{marker}slug", created_at=clock.now()
    )
    manager_fields = {"email": f"{marker}boss@{marker}.example", "name": f"{marker}boss"}
    tenant = Tenant(marker, organisation, create_member(organisation, "manager", **manager_fields))
    key = _fill_keys(tenant, make_key)
    _fill_history(tenant, key)
    _fill_people(tenant)
    _fill_operations(tenant, key)
    _fill_import(tenant, key)
    _fill_incidents(tenant, key)
    _fill_channels(tenant)
    _fill_deliveries(tenant)
    return tenant


def _fill_keys(tenant: Tenant, make_key: MakeKey) -> ApiKey:
    text_of = tenant.text_of
    details = {"owner": tenant.manager, "organization_id": text_of("orgid")}
    # The same figures in both tenants: keys that report the same are named beside each other.
    key = make_key(
        text_of("label"),
        at=tenant.organisation,
        key=details,
        outcome="failed",
        error_kind="http_error",
        error_code=text_of("code"),
        error_http_status=500,
        error_message=text_of("message"),
        error_field=text_of("field"),
        error_detail=text_of("detail"),
        trace_id=text_of("trace"),
        request_id=text_of("request"),
        reported_organization_id=text_of("reported"),
        requested_by=text_of("asker"),
        requested_at=clock.now(),
        failures=3,
        failing_since=clock.now() - timedelta(minutes=3),
        figures_digest="same-figures",
        previous_figures_digest="same-before",
        figures_check_count=9,
    )
    shared_figures_refresh(now=clock.now())
    ApiKey.objects.filter(pk=key.pk).update(
        hint_start=text_of("start"), hint_end=text_of("end")[:4]
    )
    key.tags.add(KeyTag.objects.create(organisation=tenant.organisation, name=text_of("tag")))
    make_key(
        text_of("paused"),
        at=tenant.organisation,
        key={"paused_at": clock.now(), "paused_by": text_of("pauser")},
    )
    draft = ApiKey.objects.create(
        organisation=tenant.organisation,
        label=text_of("draft"),
        status=KeyLifecycle.DRAFT,
        created_at=clock.now(),
    )
    KeyCandidate.objects.create(
        key=draft,
        version=1,
        state="refused",
        result_message=text_of("refusal"),
        result_kind="key_refused",
        created_by=text_of("paster"),
        created_at=clock.now(),
    )
    tenant.ids |= {"slug": tenant.organisation.slug, "key_id": key.pk, "kind": "connectors"}
    tenant.ids["channel_kind"] = "webhook"
    return key


def _fill_history(tenant: Tenant, key: ApiKey) -> None:
    text_of, at = tenant.text_of, clock.now() - timedelta(minutes=30)
    HistoryEvent.objects.create(
        organisation=tenant.organisation,
        key=key,
        kind=EventKind.KEY_CHANGED,
        at=at,
        noticed_at=at,
        actor_name=text_of("changer"),
        details={"what": "edited", "note": text_of("note")},
    )
    HistoryEvent.objects.create(
        organisation=tenant.organisation,
        key=key,
        kind=EventKind.CHECK_FAILED,
        at=at,
        noticed_at=at,
        details={"kind": "http_error", "message": text_of("failure"), "code": text_of("failcode")},
    )
    CheckRun.objects.create(
        organisation=tenant.organisation,
        key=key,
        key_version=1,
        first_at=at,
        last_at=at,
        count=2,
        outcome="failed",
        error_kind="http_error",
        error_code=text_of("runcode"),
    )
    create_snapshot(key, connector_item(text_of("tool"), display_name=text_of("connector")), ago=1)
    create_snapshot(
        key, {"id": text_of("auth"), "name": text_of("authname")}, kind=CatalogKind.AUTH_CONFIGS
    )
    audit_event_record(
        tag=AuditTag.KEY_CHANGED,
        actor=Actor(text_of("auditor"), id=tenant.manager.pk, address="192.0.2.77"),
        organisation=organisation_audit_ref(tenant.organisation),
        subject=text_of("subject"),
        changes={"label": [text_of("old"), text_of("new")]},
    )


def _fill_people(tenant: Tenant) -> None:
    text_of = tenant.text_of
    invitation, __ = create_invitation(
        tenant.organisation,
        f"{text_of('invited')}@{tenant.marker}.example",
        invited_by=text_of("inviter"),
    )
    member = create_member(
        tenant.organisation,
        name=text_of("member"),
        email=f"{text_of('member')}@{tenant.marker}.example",
    )
    view = saved_view_save(
        actor=OPERATOR, user=tenant.manager, name=text_of("view"), query=f"tag={text_of('tag')}"
    )
    token_options = ApiTokenOptions(TokenScope.ACT, frozenset({tenant.organisation.pk}))
    manager = Actor(text_of("boss"), id=tenant.manager.pk)
    tenant.bearer = api_token_create(
        actor=manager, user=tenant.manager, name=text_of("script"), token_options=token_options
    )
    session = UserSession.objects.create(
        user=tenant.manager,
        ip="192.0.2.78",
        session_key_hash=text_of("key"),
        user_agent=text_of("browser"),
    )
    tenant.ids |= {
        "session_id": session.pk,
        "user_id": member.pk,
        "person_id": member.pk,
        "invitation_id": invitation.pk,
        "view_id": view.pk,
        "token_id": ApiToken.objects.get(user=tenant.manager).pk,
        "token": f"token-of-{invitation.pk}",
    }


def _fill_operations(tenant: Tenant, key: ApiKey) -> None:
    actor = Actor(tenant.text_of("starter"), id=tenant.manager.pk)
    batch = operation_batch_create(actor=actor)
    order = sync_operation_create(
        organisation=tenant.organisation, actor=actor, key_id=key.pk, full=True, batch=batch
    )
    create_switch_operation(
        key,
        tenant.text_of("switched"),
        OperationState.REFUSED,
        tool_name=tenant.text_of("switch"),
        requested_by=tenant.text_of("switcher"),
        error_message=tenant.text_of("switchfault"),
        error_kind="http_error",
    )
    tenant.ids |= {"batch_id": batch.pk, "order_id": order.pk}


def _fill_import(tenant: Tenant, key: ApiKey) -> None:
    draft = ImportDraft.objects.create(person=tenant.manager, created_at=clock.now())
    ImportDraftRow.objects.create(
        draft=draft,
        number=1,
        organisation=tenant.organisation,
        organisation_name=tenant.organisation.name,
        label=tenant.text_of("pasted"),
        tags=[tenant.text_of("pastedtag")],
        key=key,
    )
    tenant.ids |= {"draft_id": draft.pk}


def _fill_channels(tenant: Tenant) -> None:
    text_of = tenant.text_of
    channel = create_channel(
        tenant.organisation,
        "webhook",
        secret=text_of("channelsecret"),
        name=text_of("channel"),
        host=text_of("host"),
        answer=text_of("answer"),
        answered_at=clock.now(),
        created_by=text_of("maker"),
    )
    tenant.channel = channel
    tenant.ids["channel_id"] = channel.pk


def _fill_incidents(tenant: Tenant, key: ApiKey) -> None:
    text_of, now = tenant.text_of, clock.now()
    incident = create_incident(
        key,
        state="acknowledged",
        acknowledged_at=now,
        acknowledged_by=text_of("acknowledger"),
        assignee=tenant.manager,
    )
    IncidentEvent.objects.create(
        incident=incident,
        kind=IncidentEventKind.NOTE,
        at=now,
        actor_name=text_of("noter"),
        note=text_of("incidentnote"),
    )
    create_mute(incident, reason=text_of("mutereason"), created_by=text_of("muter"))
    window = create_window(
        tenant.organisation, reason=text_of("windowreason"), created_by=text_of("planner")
    )
    rule = AlertRule.objects.create(
        organisation=tenant.organisation,
        name=text_of("rule"),
        roles=["manager"],
        created_at=now,
        created_by=text_of("rulemaker"),
    )
    ids = {"incident_id": incident.pk, "window_id": window.pk, "rule_id": rule.pk}
    tenant.ids |= ids | {"uid": incident.uid}


def _fill_deliveries(tenant: Tenant) -> None:
    """What its channel and its manager were told, of an incident whose cause both tenants have."""
    now, incident = clock.now(), Incident.objects.get(pk=tenant.ids["incident_id"])
    incident.cause, _ = Cause.objects.get_or_create(
        kind=CauseKind.REFUSED_ALIKE, detail="401", defaults={"opened_at": now}
    )
    incident.save(update_fields=["cause"])
    for channel in (tenant.channel, person_channel_get(tenant.manager)):
        message = Message.objects.create(
            channel=channel,
            cause=incident.cause,
            kind="opened",
            state=DeliveryState.SENT,
            created_at=now,
            finished_at=now,
            attempts=1,
            answer=tenant.text_of("reply"),
        )
        Delivery.objects.create(
            incident=incident,
            channel=channel,
            message=message,
            kind="opened",
            state=DeliveryState.SENT,
            created_at=now,
            finished_at=now,
        )


def ids_of_no_tenant() -> dict[str, Any]:
    """URL parameters with ids that no tenant has."""
    return {
        "slug": "nowhere-at-all",
        "kind": "connectors",
        "channel_kind": "webhook",
        "token": "token-of-nobody",
        "batch_id": UUID(int=7),
        "draft_id": UUID(int=7),
        "uid": UUID(int=7),
    } | dict.fromkeys(_ID_NAMES, 987_654_321)


def list_tenant_models() -> list[type[Model]]:
    """Every model that belongs to an organisation; `create_filled_tenant` must fill each."""
    return [model for model in apps.get_models() if issubclass(model, TenantOwned)]


def _organisation_path(model: type[Model]) -> str:
    """How a row leads to its organisation; "" for a model whose rows belong to none."""
    names = {field.name for field in model._meta.get_fields() if field.many_to_one}
    for name in ("organisation", "incident", "channel"):
        if name in names:
            return name if name == "organisation" else f"{name}__organisation"
    return ""


@cache
def tenant_tables() -> frozenset[str]:
    """The tables that `tenant_rows` reads."""
    models = [model for model in apps.get_models() if _organisation_path(model)]
    return frozenset(model._meta.db_table for model in (*models, Organisation, Membership, User))


def tenant_rows(tenant: Tenant) -> list[Any]:
    """The rows of a tenant in every table, to compare before and after."""
    tenant_rows_by_model: list[Any] = [
        list(Organisation.objects.filter(pk=tenant.organisation.pk).values())
    ]
    for model in apps.get_models():
        path = _organisation_path(model)
        if path:
            rows = model._default_manager.filter(**{path: tenant.organisation})
            tenant_rows_by_model.append(sorted(rows.values_list(), key=str))
    memberships = tenant.organisation.memberships.order_by("pk")  # type: ignore[attr-defined]
    people = User.objects.filter(memberships__organisation=tenant.organisation).order_by("pk")
    return [*tenant_rows_by_model, list(memberships.values()), list(people.values())]
