"""A key's label, owner, tags, grace and organization id."""

from dataclasses import replace

import pytest

from freddy_admin.accounts.models import User
from freddy_admin.audit.models import AuditEvent
from freddy_admin.audit.services import Actor
from freddy_admin.core import clock
from freddy_admin.core.errors import Conflict, InvalidInput
from freddy_admin.organisations.models import Organisation
from freddy_admin.vault.key_details import KeyDetails, key_details_clean
from freddy_admin.vault.models import KeyTag
from freddy_admin.vault.selectors import api_key_get, key_details_revision, organisation_tag_names
from freddy_admin.vault.services.keys import (
    api_key_create,
    api_key_pause,
    api_key_revoke,
    api_key_update,
)
from tests.vault.conftest import SECRET, MakeKey

NEW_DETAILS = KeyDetails(
    label=" Sales ", organization_id=" org_1 ", tags=("eu", " beta", "eu", ""), grace_minutes=30
)


def test_texts_are_stripped_and_each_tag_stands_once() -> None:
    details = key_details_clean(NEW_DETAILS)
    assert (details.label, details.organization_id) == ("Sales", "org_1")
    assert details.tags == ("eu", "beta")


@pytest.mark.parametrize(
    ("change", "field"),
    [
        ({"label": ""}, "label"),
        ({"label": "x" * 81}, "label"),
        ({"label": "a\nb"}, "label"),
        ({"label": "a\x00b"}, "label"),
        ({"label": "a\u202eb"}, "label"),
        ({"label": "a\ud800b"}, "label"),
        ({"organization_id": "x" * 65}, "organization_id"),
        ({"organization_id": "a\tb"}, "organization_id"),
        ({"tags": ("x" * 41,)}, "tags"),
        ({"tags": tuple(f"t{n}" for n in range(21))}, "tags"),
        ({"grace_minutes": 0}, "grace_minutes"),
        ({"grace_minutes": -5}, "grace_minutes"),
        ({"grace_minutes": 10_081}, "grace_minutes"),
    ],
)
def test_an_invalid_detail_names_its_field(change: dict[str, object], field: str) -> None:
    with pytest.raises(InvalidInput) as error:
        key_details_clean(replace(NEW_DETAILS, **change))
    assert error.value.field == field


def test_a_new_key_has_its_details(organisation: Organisation, actor: Actor, manager: User) -> None:
    key = api_key_create(
        organisation=organisation,
        actor=actor,
        details=replace(NEW_DETAILS, owner=manager),
        secret=SECRET,
    )
    stored_key = api_key_get(organisation=organisation, key_id=key.pk)
    assert (stored_key.label, stored_key.owner, stored_key.grace_minutes) == ("Sales", manager, 30)
    assert [tag.name for tag in stored_key.tags.all()] == ["beta", "eu"]


def test_an_update_records_old_and_new_values(
    active_key: MakeKey, organisation: Organisation, actor: Actor, manager: User
) -> None:
    key = active_key()
    details = KeyDetails(label="Main", owner=manager, tags=("eu",))
    api_key_update(organisation=organisation, actor=actor, key=key, details=details)
    event = AuditEvent.objects.filter(tag="key_changed").get()
    assert event.details["changes"] == {
        "owner": [None, "manager@example.org"],
        "tags": [[], ["eu"]],
    }
    assert event.organisation_id == organisation.pk


def test_an_update_without_changes_records_nothing(
    active_key: MakeKey, organisation: Organisation, actor: Actor
) -> None:
    details = KeyDetails(label="Main")
    api_key_update(organisation=organisation, actor=actor, key=active_key(), details=details)
    assert not AuditEvent.objects.filter(tag="key_changed").exists()


def test_a_tag_that_no_key_has_any_more_is_deleted(
    active_key: MakeKey, organisation: Organisation, actor: Actor
) -> None:
    key = active_key()
    for tags in (("eu", "beta"), ("beta",)):
        details = KeyDetails(label="Main", tags=tags)
        api_key_update(organisation=organisation, actor=actor, key=key, details=details)
    assert organisation_tag_names(organisation=organisation) == ["beta"]


def test_tags_of_another_organisation_are_not_touched(
    active_key: MakeKey, organisation: Organisation, other_organisation: Organisation, actor: Actor
) -> None:
    KeyTag.objects.create(organisation=other_organisation, name="eu")
    details = KeyDetails(label="Main", tags=("eu",))
    api_key_update(organisation=organisation, actor=actor, key=active_key(), details=details)
    assert organisation_tag_names(organisation=other_organisation) == ["eu"]
    assert KeyTag.objects.filter(name="eu").count() == 2


def test_the_owner_must_be_able_to_see_the_organisation(
    active_key: MakeKey, organisation: Organisation, actor: Actor
) -> None:
    outsider = User.objects.create(email="out@example.org", created_at=clock.now())
    details = KeyDetails(label="Main", owner=outsider)
    with pytest.raises(InvalidInput) as error:
        api_key_update(organisation=organisation, actor=actor, key=active_key(), details=details)
    assert error.value.field == "owner"


def test_a_revoked_key_keeps_its_details(
    active_key: MakeKey, organisation: Organisation, actor: Actor
) -> None:
    key = api_key_revoke(organisation=organisation, actor=actor, key=active_key())
    with pytest.raises(Conflict):
        api_key_update(
            organisation=organisation, actor=actor, key=key, details=KeyDetails(label="New")
        )


@pytest.mark.parametrize(
    "details",
    [
        KeyDetails(label=SECRET),
        KeyDetails(label=f"key {SECRET}"),
        KeyDetails(label="Main", organization_id=SECRET),
        KeyDetails(label="Main", tags=(SECRET[:40],)),
    ],
)
def test_a_key_pasted_into_another_field_as_well_is_refused(
    organisation: Organisation, actor: Actor, details: KeyDetails
) -> None:
    with pytest.raises(InvalidInput, match="another field"):
        api_key_create(organisation=organisation, actor=actor, details=details, secret=SECRET)


SHORT = "ak_live_short_enough_for_tags_1234"


@pytest.mark.parametrize(
    ("details", "field"),
    [
        (KeyDetails(label=SHORT), "label"),
        (KeyDetails(label=f"the key {SHORT}"), "label"),
        (KeyDetails(label="Main", organization_id=SHORT), "organization_id"),
        (KeyDetails(label="Main", tags=("eu", SHORT)), "tags"),
    ],
)
@pytest.mark.parametrize("is_active", [True, False])
def test_a_stored_secret_is_refused_as_a_detail(
    active_key: MakeKey,
    draft_key: MakeKey,
    organisation: Organisation,
    actor: Actor,
    details: KeyDetails,
    field: str,
    is_active: bool,
) -> None:
    (active_key if is_active else draft_key)(SHORT, label="Its own")
    key = active_key()
    with pytest.raises(InvalidInput, match="stored here") as error:
        api_key_update(organisation=organisation, actor=actor, key=key, details=details)
    assert error.value.field == field
    with pytest.raises(InvalidInput, match="stored here"):
        api_key_create(organisation=organisation, actor=actor, details=details, secret="new-key")
    key.refresh_from_db()
    assert key.label == "Main"


def test_another_organisations_secret_is_accepted_as_a_detail(
    active_key: MakeKey, other_organisation: Organisation, organisation: Organisation, actor: Actor
) -> None:
    active_key(SHORT, key_organisation=other_organisation)
    details = KeyDetails(label=SHORT)
    api_key_update(organisation=organisation, actor=actor, key=active_key(), details=details)


@pytest.mark.parametrize(
    "change",
    [
        {"label": "Other"},
        {"organization_id": "org_2"},
        {"tags": ("eu", "us")},
        {"tags": ()},
        {"grace_minutes": 7},
        {"owner": None},
    ],
)
def test_an_update_with_an_outdated_revision_is_a_conflict(
    active_key: MakeKey,
    organisation: Organisation,
    actor: Actor,
    manager: User,
    change: dict[str, object],
) -> None:
    key = active_key()
    details = KeyDetails("Main", organization_id="org_1", owner=manager, tags=("us", "de"))
    api_key_update(organisation=organisation, actor=actor, key=key, details=details)
    revision = key_details_revision(key=api_key_get(organisation=organisation, key_id=key.pk))
    first_details, second_details = replace(details, **change), replace(details, label="Second")  # type: ignore[arg-type]
    api_key_update(
        organisation=organisation, actor=actor, key=key, details=first_details, revision=revision
    )
    event_count = AuditEvent.objects.count()
    with pytest.raises(Conflict, match="in the meantime"):
        api_key_update(
            organisation=organisation,
            actor=actor,
            key=key,
            details=second_details,
            revision=revision,
        )
    stored_key = api_key_get(organisation=organisation, key_id=key.pk)
    assert (stored_key.label, sorted(tag.name for tag in stored_key.tags.all())) == (
        first_details.label,
        sorted(first_details.tags),
    )
    assert AuditEvent.objects.count() == event_count


def test_an_update_with_the_present_revision_is_saved(
    active_key: MakeKey, organisation: Organisation, actor: Actor, django_assert_num_queries: object
) -> None:
    key = active_key()
    details = KeyDetails("Main", tags=("us", "de"))
    api_key_update(organisation=organisation, actor=actor, key=key, details=details)
    shown_key = api_key_get(organisation=organisation, key_id=key.pk)
    with django_assert_num_queries(0):  # type: ignore[operator]
        revision = key_details_revision(key=shown_key)
    api_key_pause(organisation=organisation, actor=actor, key=key)  # is no detail
    other_details = replace(details, tags=("de", "us"), label="Other")
    updated_key = api_key_update(
        organisation=organisation, actor=actor, key=key, details=other_details, revision=revision
    )
    assert updated_key.label == "Other"
