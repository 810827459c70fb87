"""Label, owner, tags, grace and the id at Aitronos."""

from dataclasses import replace

import pytest

from freddy_admin.accounts.models import User
from freddy_admin.audit.models import AuditEvent
from freddy_admin.audit.services import Actor
from freddy_admin.core import clock
from freddy_admin.core.errors import Conflict, InvalidInput
from freddy_admin.organisations.models import Organisation
from freddy_admin.vault.details import details_clean
from freddy_admin.vault.models import KeyTag
from freddy_admin.vault.selectors import api_key_get, details_revision, tag_names
from freddy_admin.vault.services import (
    KeyDetails,
    api_key_draft,
    api_key_pause,
    api_key_revoke,
    api_key_update,
)
from tests.vault.conftest import SECRET, MakeKey

WISHED = KeyDetails(
    label=" Sales ", organization_id=" org_1 ", tags=("eu", " beta", "eu", ""), grace_minutes=30
)


def test_texts_are_stripped_and_each_tag_stands_once() -> None:
    cleaned = details_clean(WISHED)
    assert (cleaned.label, cleaned.organization_id) == ("Sales", "org_1")
    assert cleaned.tags == ("eu", "beta")


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
def test_a_value_that_cannot_be_names_its_field(change: dict[str, object], field: str) -> None:
    with pytest.raises(InvalidInput) as refused:
        details_clean(replace(WISHED, **change))
    assert refused.value.field == field


def test_a_new_key_has_them(organisation: Organisation, actor: Actor, member: User) -> None:
    key = api_key_draft(
        organisation=organisation,
        actor=actor,
        details=replace(WISHED, owner=member),
        secret=SECRET,
    )
    found = api_key_get(organisation=organisation, key_id=key.pk)
    assert (found.label, found.owner, found.grace_minutes) == ("Sales", member, 30)
    assert [tag.name for tag in found.tags.all()] == ["beta", "eu"]


def test_a_change_records_old_and_new_values(
    active: MakeKey, organisation: Organisation, actor: Actor, member: User
) -> None:
    key = active()
    details = KeyDetails(label="Main", owner=member, tags=("eu",))
    api_key_update(organisation=organisation, actor=actor, key=key, details=details)
    event = AuditEvent.objects.filter(tag="key_changed").get()
    assert event.details["changes"] == {
        "owner": [None, "mara@example.org"],
        "tags": [[], ["eu"]],
    }
    assert event.organisation_id == organisation.pk


def test_a_change_of_nothing_records_nothing(
    active: MakeKey, organisation: Organisation, actor: Actor
) -> None:
    details = KeyDetails(label="Main")
    api_key_update(organisation=organisation, actor=actor, key=active(), details=details)
    assert not AuditEvent.objects.filter(tag="key_changed").exists()


def test_a_tag_that_no_key_has_any_more_goes(
    active: MakeKey, organisation: Organisation, actor: Actor
) -> None:
    key = active()
    for tags in (("eu", "beta"), ("beta",)):
        details = KeyDetails(label="Main", tags=tags)
        api_key_update(organisation=organisation, actor=actor, key=key, details=details)
    assert tag_names(organisation=organisation) == ["beta"]


def test_tags_of_another_organisation_are_not_touched(
    active: MakeKey, organisation: Organisation, stranger: Organisation, actor: Actor
) -> None:
    KeyTag.objects.create(organisation=stranger, name="eu")
    details = KeyDetails(label="Main", tags=("eu",))
    api_key_update(organisation=organisation, actor=actor, key=active(), details=details)
    assert tag_names(organisation=stranger) == ["eu"]
    assert KeyTag.objects.filter(name="eu").count() == 2


def test_the_owner_must_be_able_to_see_the_organisation(
    active: MakeKey, organisation: Organisation, actor: Actor
) -> None:
    outsider = User.objects.create(email="out@example.org", created_at=clock.now())
    details = KeyDetails(label="Main", owner=outsider)
    with pytest.raises(InvalidInput) as refused:
        api_key_update(organisation=organisation, actor=actor, key=active(), details=details)
    assert refused.value.field == "owner"


def test_a_revoked_key_keeps_its_details(
    active: MakeKey, organisation: Organisation, actor: Actor
) -> None:
    key = api_key_revoke(organisation=organisation, actor=actor, key=active())
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
        api_key_draft(organisation=organisation, actor=actor, details=details, secret=SECRET)


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
@pytest.mark.parametrize("kept", [True, False])
def test_a_key_that_is_stored_here_is_not_taken_for_a_text(
    active: MakeKey,
    draft: MakeKey,
    organisation: Organisation,
    actor: Actor,
    details: KeyDetails,
    field: str,
    kept: bool,
) -> None:
    (active if kept else draft)(SHORT, label="Its own")
    key = active()
    with pytest.raises(InvalidInput, match="stored here") as refused:
        api_key_update(organisation=organisation, actor=actor, key=key, details=details)
    assert refused.value.field == field
    with pytest.raises(InvalidInput, match="stored here"):
        api_key_draft(organisation=organisation, actor=actor, details=details, secret="new-key")
    key.refresh_from_db()
    assert key.label == "Main"


def test_what_another_organisation_stores_is_not_told(
    active: MakeKey, stranger: Organisation, organisation: Organisation, actor: Actor
) -> None:
    active(SHORT, where=stranger)
    details = KeyDetails(label=SHORT)
    api_key_update(organisation=organisation, actor=actor, key=active(), details=details)


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
def test_of_two_tabs_the_later_one_undoes_nothing_it_never_saw(
    active: MakeKey,
    organisation: Organisation,
    actor: Actor,
    member: User,
    change: dict[str, object],
) -> None:
    key = active()
    details = KeyDetails("Main", organization_id="org_1", owner=member, tags=("us", "de"))
    api_key_update(organisation=organisation, actor=actor, key=key, details=details)
    seen = details_revision(key=api_key_get(organisation=organisation, key_id=key.pk))
    first, second = replace(details, **change), replace(details, label="Second")  # type: ignore[arg-type]
    api_key_update(organisation=organisation, actor=actor, key=key, details=first, revision=seen)
    events = AuditEvent.objects.count()
    with pytest.raises(Conflict, match="in the meantime"):
        api_key_update(
            organisation=organisation, actor=actor, key=key, details=second, revision=seen
        )
    now = api_key_get(organisation=organisation, key_id=key.pk)
    assert (now.label, sorted(tag.name for tag in now.tags.all())) == (
        first.label,
        sorted(first.tags),
    )
    assert AuditEvent.objects.count() == events


def test_a_form_that_saw_the_present_details_is_saved(
    active: MakeKey, organisation: Organisation, actor: Actor, django_assert_num_queries: object
) -> None:
    key = active()
    details = KeyDetails("Main", tags=("us", "de"))
    api_key_update(organisation=organisation, actor=actor, key=key, details=details)
    page = api_key_get(organisation=organisation, key_id=key.pk)
    with django_assert_num_queries(0):  # type: ignore[operator]
        seen = details_revision(key=page)
    api_key_pause(organisation=organisation, actor=actor, key=key)  # is no detail
    other = replace(details, tags=("de", "us"), label="Other")
    changed = api_key_update(
        organisation=organisation, actor=actor, key=key, details=other, revision=seen
    )
    assert changed.label == "Other"
