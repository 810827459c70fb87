"""Names and words that lists are sorted and searched by follow the keys and organisations."""

from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from freddy_admin.accounts.models import User
from freddy_admin.audit.services import WORKER
from freddy_admin.core.search_words import indexed_words, search_words
from freddy_admin.organisations.models import Organisation
from freddy_admin.organisations.services import organisation_rename
from freddy_admin.sync.key_lifecycle import key_monitoring_start, key_revoke, key_update
from freddy_admin.sync.models import SearchWord, SyncStatus
from freddy_admin.sync.status.names import (
    status_names_repair,
    status_names_write,
    wrong_names_count,
)
from freddy_admin.sync.status.queries import OverviewFilters
from freddy_admin.sync.status.selectors import overview_page
from freddy_admin.vault.key_details import KeyDetails
from freddy_admin.vault.models import ApiKey
from tests.drill_scale import RUN_FULL_DRILLS
from tests.sync.conftest import NOON, MakeKey


def found(user: User, text: str) -> set[str]:
    page = overview_page(user=user, filters=OverviewFilters(q=text), now=NOON)
    return {row.key_label for row in page.rows}


@pytest.mark.parametrize(
    ("text", "words"),
    [("Acme-Nord GmbH", ["acme", "nord", "gmbh"]), ("Sales_EU 2", ["sales", "eu", "2"]),
     ("ÉCOLE Müller", ["ecole", "muller"]), ("Straße", ["strasse"]), ("  ", []), ("***", []),
     ("a a A", ["a"]), ("x" * 300, ["x" * 80])],
)  # fmt: skip
def test_words_are_folded_and_split_at_punctuation(text: str, words: list[str]) -> None:
    assert search_words(text) == words


@given(text=st.text(max_size=60))
def test_a_text_is_found_by_each_of_its_words(text: str) -> None:
    assert set(search_words(text)) <= indexed_words(text)
    assert all(search_words(word) == [word] for word in search_words(text))


def test_scripts_without_blanks_are_found_from_every_character() -> None:
    assert {"北京科技", "京科技", "科技"} <= indexed_words("北京科技")


def test_a_word_is_found_by_its_beginning_and_not_by_its_middle(
    make_key: MakeKey, operator: User
) -> None:
    make_key("Unicorn Süd")
    assert found(operator, "uni") == found(operator, "UNICORN sud") == {"Unicorn Süd"}
    assert found(operator, "corn") == found(operator, "unicorn nord") == set()
    assert found(operator, "%") == found(operator, "_") == set()


def test_owners_are_found_by_name_and_by_address_where_it_may_be_seen(
    make_key: MakeKey, operator: User, platform_admin: User
) -> None:
    key = make_key("Owned")
    owner = User.objects.create(email="tom.miller@example.org", name="Ann-Marie O'Hara")
    ApiKey.objects.filter(pk=key.pk).update(owner=owner)
    for text in ("ann", "marie", "hara"):
        assert found(operator, text) == found(platform_admin, text) == {"Owned"}
    assert found(platform_admin, "miller") == found(platform_admin, "tom example") == {"Owned"}
    assert found(operator, "miller") == found(platform_admin, "iller") == set()


def test_search_says_nothing_of_other_organisations(
    make_key: MakeKey, operator: User, platform_admin: User
) -> None:
    birch = Organisation.objects.create(name="Birch", slug="birch", created_at=NOON)
    make_key("Elsewhere", at=birch)
    assert found(platform_admin, "birch") == {"Elsewhere"}
    page = overview_page(user=operator, filters=OverviewFilters(q="birch"), now=NOON)
    assert (page.rows, page.matching, page.total) == ([], 0, 0)


def test_renaming_moves_names_and_words(
    make_key: MakeKey, organisation: Organisation, platform_admin: User
) -> None:
    key = make_key("Main")
    organisation_rename(organisation=organisation, actor=WORKER, name="Zelkova")
    key_update(
        organisation=organisation, actor=WORKER, key=key,
        details=KeyDetails(label="Second", organization_id="org_9"),
    )  # fmt: skip
    row = SyncStatus.objects.get(pk=key.pk)
    assert (row.organisation_name, row.key_label) == ("Zelkova", "Second")
    assert found(platform_admin, "zelk sec org 9") == {"Second"}
    assert found(platform_admin, "alder") == found(platform_admin, "main") == set()
    assert wrong_names_count() == 0


def test_keys_that_go_take_their_words_with_them(
    make_key: MakeKey, organisation: Organisation
) -> None:
    keys = [make_key("Kept"), make_key("Gone")]
    key_revoke(organisation=organisation, actor=WORKER, key=keys[1])
    assert not SearchWord.objects.filter(word="gone").exists()
    assert SearchWord.objects.filter(word="kept").count() == 1
    organisation.delete()
    assert not SearchWord.objects.exists()


def test_the_worker_repairs_what_was_written_past_the_services(make_key: MakeKey) -> None:
    key = make_key("Main")
    ApiKey.objects.filter(pk=key.pk).update(label="Past")
    SearchWord.objects.create(organisation_id=key.organisation_id, status_id=key.pk, word="main")
    assert wrong_names_count() == 4  # the row, a word too few, one too many, and that one twice
    assert status_names_repair() == 0
    assert wrong_names_count() == 0
    assert SyncStatus.objects.get(pk=key.pk).key_label == "Past"


STEPS = st.lists(
    st.tuples(
        st.sampled_from(["add", "label", "rename", "revoke", "organisation"]),
        st.integers(0, 3),
        st.text(st.sampled_from("ab -_É京"), min_size=1, max_size=8),
    ),
    max_size=8,
)


@pytest.mark.drill
@settings(max_examples=30 if RUN_FULL_DRILLS else 10, deadline=None,
          suppress_health_check=[HealthCheck.function_scoped_fixture])  # fmt: skip
@given(steps=STEPS)
def test_names_are_right_after_every_step(steps: list[tuple[str, int, str]], db: Any) -> None:
    Organisation.objects.all().delete()
    organisations = [
        Organisation.objects.create(name=f"First {number}", slug=f"first-{number}")
        for number in range(2)
    ]
    keys: list[ApiKey] = []
    for place, (step, number, word) in enumerate(steps):
        text = f"{word} {place}"  # names are unique
        organisation = organisations[number % 2]
        if step == "add":
            key = ApiKey.objects.create(organisation=organisation, label=text, created_at=NOON)
            key_monitoring_start(keys=[key])
            keys.append(key)
        elif step == "organisation":
            organisation.name = text
            organisation.save(update_fields=["name"])
        elif keys and step == "revoke":
            key = keys.pop(number % len(keys))
            key_revoke(organisation=key.organisation, actor=WORKER, key=key)
        elif keys:
            key = keys[number % len(keys)]
            key.label = text
            key.save(update_fields=["label"])
        assert wrong_names_count() == 0
    status_names_write(key_ids=[key.pk for key in keys])
    assert wrong_names_count() == 0
