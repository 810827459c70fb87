"""Many keys in the browser: pasted or uploaded, looked at row by row, saved once confirmed."""

import re

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from django.test import Client

from freddy_admin.audit.models import AuditEvent
from freddy_admin.organisations.models import Membership, Organisation
from freddy_admin.sync.imports import imports_keep
from freddy_admin.vault.models import ApiKey, Fate, ImportDraft, Verdict
from freddy_admin.vault.services.import_tests import import_drafts_expire
from tests.vault.pasting import pasted, secret, verdicts_come
from tests.web.conftest import HandClock, MakeKey, People, SignIn, confirm, is_asked, seen_of

HERE = "/import/"


@pytest.fixture
def manager(people: People, signed_in: SignIn) -> Client:
    return signed_in(people.manager)


def _sent(client: Client, *rows: str) -> str:
    answer = client.post(HERE, {"rows": pasted(*rows).decode()})
    assert answer.status_code == 302, answer.content.decode()
    return str(answer["Location"])


def _rows(page: str) -> dict[str, str]:
    """Number → the words of its outcome."""
    found = re.findall(r'<tr id="row-(\d+)".*?</tr>', page, re.DOTALL)
    return {
        number: " ".join(
            re.sub(
                r"<[^>]*>",
                " ",
                page[page.index(f'id="row-{number}"') :].split("</tr>")[0].split(">", 1)[1],
            ).split()
        )
        for number in found
    }


def test_pasted_rows_are_shown_with_their_outcomes(manager: Client, people: People) -> None:
    page = _sent(
        manager,
        f"Alder,Works,{secret('w')},,",
        f"Alder,No,{secret('n')},,",
        f"Alder,Maybe,{secret('m')},,",
        f"Alder,Wrong,{secret('o')},org_2,",
        f"Nowhere,Foreign,{secret('f')},,",
    )
    first = manager.get(page).content.decode()
    assert "0 of 4 keys are tested." in first
    assert 'max="4" value="0"' in first
    assert "data-pending" in first
    assert "import/confirm" not in first
    assert "/confirm/" not in first
    assert "look after no organisation of this name" in _rows(first)["6"]
    verdicts_come({"No": Verdict.REJECTED, "Maybe": Verdict.UNTESTED, "Wrong": Verdict.DIFFERS})
    text = manager.get(page).content.decode()
    assert "All keys are tested. Nothing is saved yet." in text
    rows = _rows(text)
    assert "Works 42 tools, 7 on · never synced · org_1" in rows["2"]
    assert "Rejected" in rows["3"]
    assert "Could not be tested" in rows["4"]
    assert "Entered is org_2, but it answers for another one" in rows["5"]
    assert "Save 1 key" in text
    assert "also the one that could not be tested" in text
    assert not ApiKey.objects.exists()


def test_a_file_does_as_well(manager: Client) -> None:
    data = b"\xef\xbb\xbf" + pasted(f"Alder,A,{secret('a')},,").replace(b",", b";")
    answer = manager.post(HERE, {"file": SimpleUploadedFile("k.csv", data)})
    assert answer.status_code == 302
    assert ImportDraft.objects.get().rows.get().verdict == Verdict.WAITING


@pytest.mark.parametrize(
    ("sent", "words"),
    [
        ({}, "Paste the rows, or choose a file"),
        ({"rows": "x", "file": SimpleUploadedFile("k.csv", b"x")}, "not both"),
        ({"rows": "x"}, "the first row must be the header"),
        ({"rows": pasted().decode()}, "it holds no rows"),
        ({"file": SimpleUploadedFile("k.csv", b"x" * 1_000_001)}, "larger than 1 MB"),
        ({"file": SimpleUploadedFile("k.csv", b"")}, "empty"),
        ({"file": SimpleUploadedFile("k.csv", b"\x00\xff" * 50)}, "must be the header"),
    ],
)
def test_what_cannot_be_read_is_said_and_stores_nothing(
    manager: Client, sent: dict[str, object], words: str
) -> None:
    answer = manager.post(HERE, sent)
    assert answer.status_code == 200
    assert words in answer.content.decode()
    assert not ImportDraft.objects.exists()


def test_what_is_too_large_for_the_memory_is_not_read_at_all(manager: Client) -> None:
    answer = manager.post(HERE, {"file": SimpleUploadedFile("k.csv", b"x" * 3_000_000)})
    assert answer.status_code == 413
    assert not ImportDraft.objects.exists()


def test_no_secret_comes_back(manager: Client, people: People) -> None:
    planted = secret("planted")
    hidden = planted[15:-4]
    bad = manager.post(HERE, {"rows": f"wrong,header\nAlder,A,{planted}"}).content.decode()
    page = _sent(
        manager,
        f"Alder,A,{planted},,",
        f"Alder,{planted},{planted},,",
        f"{planted},B,,,",
        f"Alder,C,{planted} {planted},,",
        f'Alder,"{planted}',
    )
    verdicts_come({"A": Verdict.REJECTED})
    text = manager.get(page).content.decode()
    assert hidden not in bad + text
    assert hidden not in str(dict(manager.session))
    assert hidden not in repr(list(AuditEvent.objects.values()))
    assert f"{planted[:13]}…{planted[-4:]}" in text


def test_confirmed_the_worker_saves_and_the_page_follows(
    manager: Client, people: People, organisation: Organisation
) -> None:
    page = _sent(manager, f"Alder,A,{secret('a')},,", f"Alder,B,{secret('b')},,")
    verdicts_come({"B": Verdict.UNTESTED})
    answer = manager.post(f"{page}confirm/", follow=True).content.decode()
    assert "1 key is being saved." in answer
    assert "0 of 1 key is saved. 1 row was thrown away." in answer
    assert "data-pending" in answer
    assert imports_keep() == 1
    text = manager.get(page).content.decode()
    assert "1 of 1 key is saved." in text
    [key] = ApiKey.objects.all()
    assert f"/organisations/alder/keys/{key.pk}/" in text
    assert key.owner is None


def test_what_could_not_be_tested_is_kept_only_where_it_was_ticked(manager: Client) -> None:
    page = _sent(manager, f"Alder,A,{secret('a')},,", f"Alder,B,{secret('b')},,")
    verdicts_come({"B": Verdict.UNTESTED})
    manager.post(f"{page}confirm/", {"also": ["untested", "rejected", "nonsense"]})
    assert set(ImportDraft.objects.get().rows.values_list("fate", flat=True)) == {Fate.KEEPING}


def test_two_tabs_confirm_and_discard_without_harm(manager: Client) -> None:
    page = _sent(manager, f"Alder,A,{secret('a')},,")
    early = manager.post(f"{page}confirm/", follow=True).content.decode()
    assert "still being tested" in early
    verdicts_come()
    manager.post(f"{page}confirm/")
    for act in ("confirm", "retest", "discard"):
        text = manager.post(f"{page}{act}/", follow=True).content.decode()
        assert "This import was confirmed already" in text
    assert ImportDraft.objects.get().rows.get().fate == Fate.KEEPING


def test_thrown_away_it_is_gone(manager: Client) -> None:
    page = _sent(manager, f"Alder,A,{secret('a')},,")
    text = manager.post(f"{page}discard/", follow=True).content.decode()
    assert "Nothing of it was kept." in text
    assert manager.get(page).status_code == 404
    assert not ImportDraft.objects.exists()


def test_what_failed_is_tested_again(manager: Client) -> None:
    page = _sent(manager, f"Alder,A,{secret('a')},,")
    verdicts_come({"A": Verdict.REJECTED})
    assert "Test those again that failed" in manager.get(page).content.decode()
    manager.post(f"{page}retest/")
    assert "0 of 1 key is tested." in manager.get(page).content.decode()


@pytest.mark.usefixtures("believed_clock")
def test_an_unfinished_import_is_offered_again_for_a_day(
    manager: Client, hand_clock: HandClock, people: People, signed_in: SignIn
) -> None:
    page = _sent(manager, f"Alder,A,{secret('a')},,")
    assert f'href="{page}"' in manager.get(HERE).content.decode()
    assert page not in signed_in(people.admin).get(HERE).content.decode()
    hand_clock.forward(hours=24)
    manager = signed_in(people.manager)  # a day without a request ended the session
    confirm(manager, people.manager)
    assert page not in manager.get(HERE).content.decode()
    assert manager.get(page).status_code == 404
    import_drafts_expire()
    assert not ImportDraft.objects.exists()


def test_a_browser_is_told_only_what_changed(manager: Client) -> None:
    page = _sent(manager, f"Alder,A,{secret('a')},,")
    seen = seen_of(manager.get(page).content.decode())
    headers = {"x-live": "1", "x-seen": seen}
    assert manager.get(page, headers=headers).status_code == 204
    verdicts_come()
    answer = manager.get(page, headers=headers).content.decode()
    assert "<html" not in answer
    assert "All keys are tested" in answer


def test_many_rows_have_pages_and_filters(manager: Client, people: People) -> None:
    rows = [f"Alder,{n},{secret(str(n))},," for n in range(150)]
    page = _sent(manager, *rows, "Alder,bad,,,")
    first = manager.get(page).content.decode()
    assert len(_rows(first)) == 100
    assert "Page 1 of 2" in first
    assert len(_rows(manager.get(f"{page}?page=2").content.decode())) == 51
    bad = manager.get(f"{page}?show=malformed").content.decode()
    assert list(_rows(bad)) == ["152"]
    for odd in ("?page=99", "?page=x", "?show=nonsense", "?show=works"):
        assert manager.get(f"{page}{odd}").status_code == 200


def test_the_page_costs_the_same_for_one_row_and_for_many(
    manager: Client, people: People, django_assert_max_num_queries: object
) -> None:
    for number in (1, 120):
        rows = [f"Alder,{number}-{n},{secret(f'{number}-{n}')},," for n in range(number)]
        page = _sent(manager, *rows)
        with django_assert_max_num_queries(6):  # type: ignore[operator]
            assert manager.get(page).status_code == 200


def test_a_new_organisation_is_marked_for_who_may_add_one(
    people: People, signed_in: SignIn
) -> None:
    admin = signed_in(people.admin)
    page = _sent(admin, f"Brand New,A,{secret('a')},,", f"Alder,B,{secret('b')},,")
    rows = _rows(admin.get(page).content.decode())
    assert rows["2"].startswith("Brand New new")
    assert rows["3"].startswith("Alder Row")


def test_somebody_who_manages_nothing_any_more_is_turned_away(
    manager: Client, people: People
) -> None:
    page = _sent(manager, f"Alder,A,{secret('a')},,")
    verdicts_come()
    Membership.objects.filter(user=people.manager).delete()
    for answer in (manager.get(HERE), manager.get(page), manager.post(f"{page}confirm/")):
        assert answer.status_code == 403


def test_names_from_outside_are_never_markup(manager: Client) -> None:
    page = _sent(manager, f"<b>Alder,<i>x,{secret('a')},,", f"Alder,<i>x,{secret('b')},<u>,")
    verdicts_come({"<i>x": Verdict.DIFFERS})
    text = manager.get(page).content.decode()
    for raw in ("<b>Alder", "<i>x", "<u>"):
        assert raw not in text


def test_it_is_offered_to_who_may(people: People, signed_in: SignIn, make_key: MakeKey) -> None:
    make_key()
    for who, offered in (("viewer", False), ("operator", False), ("manager", True)):
        page = signed_in(getattr(people, who)).get("/").content.decode()
        assert ('href="/import/"' in page) == offered
    page = signed_in(people.manager).get("/organisations/alder/keys/add/").content.decode()
    assert 'href="/import/"' in page


def test_it_asks_for_a_recent_confirmation_before_and_at_the_end(
    manager: Client, people: People, hand_clock: HandClock
) -> None:
    page = _sent(manager, f"Alder,A,{secret('a')},,")
    verdicts_come()
    confirm(manager, people.manager, minutes_ago=16)
    assert is_asked(manager.get(HERE))
    assert is_asked(manager.post(f"{page}confirm/"))
    assert ImportDraft.objects.get().state == "open"
    assert manager.get(page).status_code == 200
