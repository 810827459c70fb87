"""One selector answers every question, and never more than the organisations it was given."""

from datetime import UTC, datetime, timedelta

import pytest

from freddy_admin.audit.selectors import audit_events
from freddy_admin.audit.services import Actor, Place, audit_record
from freddy_admin.audit.tags import Tag
from freddy_admin.core import clock

pytestmark = pytest.mark.django_db

START = datetime(2026, 1, 1, tzinfo=UTC)


@pytest.fixture(autouse=True)
def log() -> None:
    rows = [
        (Tag.KEY_ADDED, "Ada", Place(1, "Acme"), "Main key"),
        (Tag.KEY_REVOKED, "Bob", Place(2, "Nord"), "Old key"),
        (Tag.SIGNED_IN, "Ada", None, "ada@example.org"),
    ]
    for hour, (tag, name, place, subject) in enumerate(rows):
        with clock.using(lambda hour=hour: START + timedelta(hours=hour)):
            audit_record(tag=tag, actor=Actor(name=name), place=place, subject=subject)


def subjects(**asked: object) -> list[str]:
    asked.setdefault("organisation_ids", None)
    return [event.subject for event in audit_events(**asked)]  # type: ignore[arg-type]


def test_a_platform_admin_reads_everything_newest_first() -> None:
    assert subjects() == ["ada@example.org", "Old key", "Main key"]


def test_others_read_their_organisations_alone_and_no_sign_ins() -> None:
    assert subjects(organisation_ids=[1]) == ["Main key"]
    assert subjects(organisation_ids=[]) == []
    assert subjects(organisation_ids=[1], search="old") == []


@pytest.mark.parametrize(
    ("words", "found"),
    [
        ("ada", ["ada@example.org", "Main key"]),
        ("NORD", ["Old key"]),
        ("key", ["Old key", "Main key"]),
        ("  main ", ["Main key"]),
        ("%", []),
        ("_", []),
        ("no such thing", []),
        ("\x00", ["ada@example.org", "Old key", "Main key"]),
        ("x" * 5000, []),
    ],
)
def test_a_search_looks_at_who_what_and_where(words: str, found: list[str]) -> None:
    assert subjects(search=words) == found


def test_a_tag_narrows_the_list_and_an_unknown_one_finds_nothing() -> None:
    assert subjects(tag="key_added") == ["Main key"]
    assert subjects(tag="nonsense") == []


def test_every_tag_has_a_sentence_of_its_own() -> None:
    labels = [str(tag.label) for tag in Tag]

    assert len(set(labels)) == len(labels)
    assert all(label and label[0].islower() for label in labels)
    assert max(len(tag.value) for tag in Tag) <= 40
