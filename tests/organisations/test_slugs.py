"""Slugs are unused, readable and never the address of a page."""

import re

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from freddy_admin.organisations.services import RESERVED_SLUGS, SlugAllocator


@pytest.mark.parametrize(
    ("name", "slug"),
    [
        ("Alder", "alder"),
        ("Zürich & Söhne AG", "zurich-sohne-ag"),
        ("日本", "organisation"),
        ("!!!", "organisation"),
        ("--x--", "x"),
        ("New", "new-2"),
        ("Import", "import-2"),
        ("x" * 300, "x" * 120),
    ],
)
def test_a_name_has_the_expected_slug(name: str, slug: str) -> None:
    assert SlugAllocator(()).allocate(name) == slug


def test_a_slug_that_is_taken_gets_the_lowest_free_number() -> None:
    slugs = SlugAllocator({"alder", "alder-3"})

    assert [slugs.allocate("Alder") for _ in range(4)] == [
        "alder-2",
        "alder-4",
        "alder-5",
        "alder-6",
    ]


def test_names_without_letters_are_numbered() -> None:
    slugs = SlugAllocator(())

    assert [slugs.allocate(name) for name in ("日本", "中国", "…!")] == [
        "organisation",
        "organisation-2",
        "organisation-3",
    ]


def test_numbers_in_names_do_not_collide_with_numbers_given() -> None:
    slugs = SlugAllocator(())

    assert [slugs.allocate(name) for name in ("Alder 2", "Alder", "Alder!", "Alder?")] == [
        "alder-2",
        "alder",
        "alder-3",
        "alder-4",
    ]


@settings(max_examples=30)
@given(st.lists(st.text(min_size=1, max_size=130), max_size=30), st.sets(st.text(max_size=5)))
def test_slugs_are_unique_free_and_fit_their_column(
    names: list[str], taken_slugs: set[str]
) -> None:
    slugs = SlugAllocator(taken_slugs)
    given_out = [slugs.allocate(name) for name in names]

    assert len(set(given_out)) == len(given_out)
    assert not set(given_out) & (taken_slugs | RESERVED_SLUGS)
    assert all(re.fullmatch(r"[a-z0-9_-]{1,140}", slug) for slug in given_out)
