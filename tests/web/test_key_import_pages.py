"""The import of many keys: pasted or uploaded, tested row by row, saved once confirmed."""

import re

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from django.test import Client

from freddy_admin.audit.models import AuditEvent
from freddy_admin.organisations.models import Membership, Organisation
from freddy_admin.sync.candidates.import_rows import import_rows_promote
from freddy_admin.vault.models import ApiKey, ImportDraft, ImportRowState, ImportSaveState
from freddy_admin.vault.services.import_rows import import_drafts_expire
from tests.vault.import_draft_data import csv_bytes, import_rows_record_results, secret
from tests.web.conftest import (
    HandClock,
    MakeKey,
    People,
    SignIn,
    asks_reauthentication,
    mark_reauthenticated,
    shown_digests_of,
)

HERE = "/import/"


@pytest.fixture
def manager_client(people: People, signed_in: SignIn) -> Client:
    return signed_in(people.manager)


def _post_rows(client: Client, *rows: str) -> str:
    answer = client.post(HERE, {"rows": csv_bytes(*rows).decode()})
    assert answer.status_code == 302, answer.content.decode()
    return str(answer["Location"])


def page_rows(page: str) -> dict[str, str]:
    """The row numbers of an import page, with the wording of each result."""
    matches = re.findall(r'<tr id="row-(\d+)".*?</tr>', page, re.DOTALL)
    return {
        number: " ".join(
            re.sub(
                r"<[^>]*>",
                " ",
                page[page.index(f'id="row-{number}"') :].split("</tr>")[0].split(">", 1)[1],
            ).split()
        )
        for number in matches
    }


def test_pasted_rows_are_shown_with_their_results(manager_client: Client, people: People) -> None:
    page = _post_rows(
        manager_client,
        f"Alder,Works,{secret('w')},,",
        f"Alder,No,{secret('n')},,",
        f"Alder,Maybe,{secret('m')},,",
        f"Alder,Wrong,{secret('o')},org_2,",
        f"Nowhere,Foreign,{secret('f')},,",
    )
    first_page = manager_client.get(page).content.decode()
    assert "0 of 4 keys are tested." in first_page
    assert 'max="4" value="0"' in first_page
    assert "data-pending" in first_page
    assert "import/confirm" not in first_page
    assert "/confirm/" not in first_page
    assert "look after no organisation of this name" in page_rows(first_page)["6"]
    import_rows_record_results(
        {
            "No": ImportRowState.REJECTED,
            "Maybe": ImportRowState.UNTESTED,
            "Wrong": ImportRowState.DIFFERS,
        }
    )
    text = manager_client.get(page).content.decode()
    assert "All keys are tested. Nothing is saved yet." in text
    rows = page_rows(text)
    assert "Works 42 tools, 7 on · never synced · org_1" in rows["2"]
    assert "Rejected" in rows["3"]
    assert "Could not be tested" in rows["4"]
    assert "Entered is org_2, but it answers for another one" in rows["5"]
    assert "Save 1 key" in text
    assert "also the one that could not be tested" in text
    assert not ApiKey.objects.exists()


def test_uploaded_file_is_imported_like_pasted_rows(manager_client: Client) -> None:
    data = b"\xef\xbb\xbf" + csv_bytes(f"Alder,A,{secret('a')},,").replace(b",", b";")
    answer = manager_client.post(HERE, {"file": SimpleUploadedFile("k.csv", data)})
    assert answer.status_code == 302
    assert ImportDraft.objects.get().rows.get().state == ImportRowState.WAITING


@pytest.mark.parametrize(
    ("fields", "words"),
    [
        ({}, "Paste the rows, or choose a file"),
        ({"rows": "x", "file": SimpleUploadedFile("k.csv", b"x")}, "not both"),
        ({"rows": "x"}, "the first row must be the header"),
        ({"rows": csv_bytes().decode()}, "it holds no rows"),
        ({"file": SimpleUploadedFile("k.csv", b"x" * 1_000_001)}, "larger than 1 MB"),
        ({"file": SimpleUploadedFile("k.csv", b"")}, "empty"),
        ({"file": SimpleUploadedFile("k.csv", b"\x00\xff" * 50)}, "must be the header"),
    ],
)
def test_unreadable_rows_are_explained_and_store_nothing(
    manager_client: Client, fields: dict[str, object], words: str
) -> None:
    answer = manager_client.post(HERE, fields)
    assert answer.status_code == 200
    assert words in answer.content.decode()
    assert not ImportDraft.objects.exists()


def test_oversized_upload_is_not_read_at_all(manager_client: Client) -> None:
    answer = manager_client.post(HERE, {"file": SimpleUploadedFile("k.csv", b"x" * 3_000_000)})
    assert answer.status_code == 413
    assert not ImportDraft.objects.exists()


def test_import_page_sends_no_secret_back(manager_client: Client, people: People) -> None:
    planted_key = secret("planted")
    hidden = planted_key[15:-4]
    error_page = manager_client.post(
        HERE, {"rows": f"wrong,header\nAlder,A,{planted_key}"}
    ).content.decode()
    page = _post_rows(
        manager_client,
        f"Alder,A,{planted_key},,",
        f"Alder,{planted_key},{planted_key},,",
        f"{planted_key},B,,,",
        f"Alder,C,{planted_key} {planted_key},,",
        f'Alder,"{planted_key}',
    )
    import_rows_record_results({"A": ImportRowState.REJECTED})
    text = manager_client.get(page).content.decode()
    assert hidden not in error_page + text
    assert hidden not in str(dict(manager_client.session))
    assert hidden not in repr(list(AuditEvent.objects.values()))
    assert f"{planted_key[:13]}…{planted_key[-4:]}" in text


def test_confirmed_import_is_saved_by_the_worker_and_followed_by_the_page(
    manager_client: Client, people: People, organisation: Organisation
) -> None:
    page = _post_rows(manager_client, f"Alder,A,{secret('a')},,", f"Alder,B,{secret('b')},,")
    import_rows_record_results({"B": ImportRowState.UNTESTED})
    answer = manager_client.post(f"{page}confirm/", follow=True).content.decode()
    assert "1 key is being saved." in answer
    assert "0 of 1 key is saved. 1 row was thrown away." in answer
    assert "data-pending" in answer
    assert import_rows_promote() == 1
    text = manager_client.get(page).content.decode()
    assert "1 of 1 key is saved." in text
    [key] = ApiKey.objects.all()
    assert f"/organisations/alder/keys/{key.pk}/" in text
    assert key.owner is None


def test_untested_row_is_saved_only_where_it_was_ticked(manager_client: Client) -> None:
    page = _post_rows(manager_client, f"Alder,A,{secret('a')},,", f"Alder,B,{secret('b')},,")
    import_rows_record_results({"B": ImportRowState.UNTESTED})
    manager_client.post(f"{page}confirm/", {"also": ["untested", "rejected", "nonsense"]})
    assert set(ImportDraft.objects.get().rows.values_list("save_state", flat=True)) == {
        ImportSaveState.SAVING
    }


def test_two_tabs_confirm_and_discard_without_harm(manager_client: Client) -> None:
    page = _post_rows(manager_client, f"Alder,A,{secret('a')},,")
    early_page = manager_client.post(f"{page}confirm/", follow=True).content.decode()
    assert "still being tested" in early_page
    import_rows_record_results()
    manager_client.post(f"{page}confirm/")
    for act in ("confirm", "retest", "discard"):
        text = manager_client.post(f"{page}{act}/", follow=True).content.decode()
        assert "This import was confirmed already" in text
    assert ImportDraft.objects.get().rows.get().save_state == ImportSaveState.SAVING


def test_discarded_import_is_gone(manager_client: Client) -> None:
    page = _post_rows(manager_client, f"Alder,A,{secret('a')},,")
    text = manager_client.post(f"{page}discard/", follow=True).content.decode()
    assert "Nothing of it was kept." in text
    assert manager_client.get(page).status_code == 404
    assert not ImportDraft.objects.exists()


def test_failed_rows_are_tested_again(manager_client: Client) -> None:
    page = _post_rows(manager_client, f"Alder,A,{secret('a')},,")
    import_rows_record_results({"A": ImportRowState.REJECTED})
    assert "Test those again that failed" in manager_client.get(page).content.decode()
    manager_client.post(f"{page}retest/")
    assert "0 of 1 key is tested." in manager_client.get(page).content.decode()


@pytest.mark.usefixtures("trusted_clock")
def test_an_unfinished_import_is_offered_again_for_a_day(
    manager_client: Client, hand_clock: HandClock, people: People, signed_in: SignIn
) -> None:
    page = _post_rows(manager_client, f"Alder,A,{secret('a')},,")
    assert f'href="{page}"' in manager_client.get(HERE).content.decode()
    assert page not in signed_in(people.admin).get(HERE).content.decode()
    hand_clock.advance(hours=24)
    manager_client = signed_in(people.manager)  # a day without a request ended the session
    mark_reauthenticated(manager_client, people.manager)
    assert page not in manager_client.get(HERE).content.decode()
    assert manager_client.get(page).status_code == 404
    import_drafts_expire()
    assert not ImportDraft.objects.exists()


def test_unchanged_import_page_is_not_sent_again(manager_client: Client) -> None:
    page = _post_rows(manager_client, f"Alder,A,{secret('a')},,")
    shown_digests = shown_digests_of(manager_client.get(page).content.decode())
    headers = {"x-live": "1", "x-seen": shown_digests}
    assert manager_client.get(page, headers=headers).status_code == 204
    import_rows_record_results()
    answer = manager_client.get(page, headers=headers).content.decode()
    assert "<html" not in answer
    assert "All keys are tested" in answer


def test_many_rows_have_pages_and_filters(manager_client: Client, people: People) -> None:
    rows = [f"Alder,{n},{secret(str(n))},," for n in range(150)]
    page = _post_rows(manager_client, *rows, "Alder,bad,,,")
    first_page = manager_client.get(page).content.decode()
    assert len(page_rows(first_page)) == 100
    assert "Page 1 of 2" in first_page
    assert len(page_rows(manager_client.get(f"{page}?page=2").content.decode())) == 51
    malformed_page = manager_client.get(f"{page}?show=malformed").content.decode()
    assert list(page_rows(malformed_page)) == ["152"]
    for query in ("?page=99", "?page=x", "?show=nonsense", "?show=works"):
        assert manager_client.get(f"{page}{query}").status_code == 200


def test_import_page_costs_the_same_for_one_row_and_for_many(
    manager_client: Client, people: People, django_assert_max_num_queries: object
) -> None:
    for number in (1, 120):
        rows = [f"Alder,{number}-{n},{secret(f'{number}-{n}')},," for n in range(number)]
        page = _post_rows(manager_client, *rows)
        with django_assert_max_num_queries(6):  # type: ignore[operator]
            assert manager_client.get(page).status_code == 200


def test_new_organisation_is_marked_for_whoever_may_create_one(
    people: People, signed_in: SignIn
) -> None:
    admin = signed_in(people.admin)
    page = _post_rows(admin, f"Brand New,A,{secret('a')},,", f"Alder,B,{secret('b')},,")
    rows = page_rows(admin.get(page).content.decode())
    assert rows["2"].startswith("Brand New new")
    assert rows["3"].startswith("Alder Row")


def test_former_manager_is_refused_the_import(manager_client: Client, people: People) -> None:
    page = _post_rows(manager_client, f"Alder,A,{secret('a')},,")
    import_rows_record_results()
    Membership.objects.filter(user=people.manager).delete()
    for answer in (
        manager_client.get(HERE),
        manager_client.get(page),
        manager_client.post(f"{page}confirm/"),
    ):
        assert answer.status_code == 403


def test_names_from_outside_are_never_markup(manager_client: Client) -> None:
    page = _post_rows(
        manager_client, f"<b>Alder,<i>x,{secret('a')},,", f"Alder,<i>x,{secret('b')},<u>,"
    )
    import_rows_record_results({"<i>x": ImportRowState.DIFFERS})
    text = manager_client.get(page).content.decode()
    for raw in ("<b>Alder", "<i>x", "<u>"):
        assert raw not in text


def test_import_is_offered_to_key_managers(
    people: People, signed_in: SignIn, make_key: MakeKey
) -> None:
    make_key()
    for role, is_offered in (("viewer", False), ("operator", False), ("manager", True)):
        page = signed_in(getattr(people, role)).get("/").content.decode()
        assert ('href="/import/"' in page) == is_offered
    page = signed_in(people.manager).get("/organisations/alder/keys/add/").content.decode()
    assert 'href="/import/"' in page


def test_import_needs_reauthentication_at_its_start_and_its_end(
    manager_client: Client, people: People, hand_clock: HandClock
) -> None:
    page = _post_rows(manager_client, f"Alder,A,{secret('a')},,")
    import_rows_record_results()
    mark_reauthenticated(manager_client, people.manager, minutes_ago=16)
    assert asks_reauthentication(manager_client.get(HERE))
    assert asks_reauthentication(manager_client.post(f"{page}confirm/"))
    assert ImportDraft.objects.get().state == "open"
    assert manager_client.get(page).status_code == 200
