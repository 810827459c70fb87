"""The keys of one organisation for its page, and one key by itself."""

from collections.abc import Iterable
from datetime import datetime
from typing import Any

from django.db.models import (
    BigIntegerField,
    QuerySet,
)
from django.utils.translation import gettext as _

from freddy_admin.accounts.models import User
from freddy_admin.core.compiled_queries import (
    Param,
    compiled_query_fetch,
)
from freddy_admin.core.errors import NotFound
from freddy_admin.organisations.access import (
    Audience,
    audience_for,
)
from freddy_admin.organisations.models import Organisation
from freddy_admin.sync.status.observation_cache import ObservationValues, observation_get
from freddy_admin.sync.status.queries import (
    DETAIL_COLUMNS,
    NOW_PARAM,
    annotate_list_columns,
    list_values,
    sync_statuses_visible,
)
from freddy_admin.sync.status.refused_alike import (
    RefusedGroup,
    refused_groups_list,
)
from freddy_admin.sync.status.rows import KeyRow, key_row_from_values
from freddy_admin.vault.selectors import LARGEST_ID


def organisation_key_rows(*, user: User, organisation: Organisation, now: datetime) -> list[KeyRow]:
    """The active keys of one organisation, worst first, in one query."""
    param_values = {"person": user.pk, "now": now, "organisation": organisation.pk}
    values_list = compiled_query_fetch(
        _organisation_rows_query, audience_for(user), param_values=param_values
    )
    groups = _refused_groups_of(values_list, user=user)
    return [
        key_row_from_values(
            values | {"siblings": len(values_list)}, user=user, now=now, refused_groups=groups
        )
        for values in values_list
    ]


def _refused_groups_of(
    values_list: Iterable[ObservationValues], *, user: User
) -> list[RefusedGroup]:
    """The groups that these keys may be in: asked for only where one of them is refused."""
    has_refusal = any(values["refusal"] for values in values_list)
    return refused_groups_list(user=user) if has_refusal else []


def _organisation_rows_query(audience: Audience) -> QuerySet[Any, Any]:
    organisation_param = Param("organisation", BigIntegerField())
    rows = sync_statuses_visible(user=audience, now=NOW_PARAM).filter(
        organisation=organisation_param
    )
    return list_values(rows, user=audience, sort="state", now=NOW_PARAM, single_organisation=True)


def key_row(*, user: User, organisation: Organisation, key_id: int, now: datetime) -> KeyRow:
    """One active key of this organisation, its observation from the cache where it is there.

    Raises NotFound.
    """
    if not 0 < key_id <= LARGEST_ID:  # no database takes it as a number
        raise NotFound(_("There is no such key here."))
    rows = sync_statuses_visible(user=user, now=now).filter(organisation=organisation, pk=key_id)
    values = annotate_list_columns(rows, user=user, now=now).values(*DETAIL_COLUMNS).first()
    observation = values and observation_get(key_id=key_id, version=values["key_version"])
    if not values or not observation:
        raise NotFound(_("There is no such key here."))
    groups = _refused_groups_of([observation], user=user)
    return key_row_from_values(values | observation, user=user, now=now, refused_groups=groups)
