"""How many files of the panel one request enters: how wide the code is that a reader follows."""

from collections.abc import Iterator
from datetime import timedelta
from itertools import product
from typing import Any

import pytest
import time_machine

from freddy_admin.accounts.models import User
from tests.entered_files import entered_files
from tests.golden.golden_fleet import Fleet, demo_create, fleet_create
from tests.hand_clock import hand_clock_block
from tests.module_rows import module_rows
from tests.web.conftest import HandClock, key_maker

pytestmark = pytest.mark.sqlite_is_enough

PASSWORD = "correct horse battery 9"
# The overview has one more than its 28 for the version that polls are asked by.
MOST_FILES = {"overview": 29, "organisation": 40, "sign-in": 20}


@pytest.fixture(scope="module")
def _module_fleet(django_db_setup: None, django_db_blocker: Any) -> Iterator[Fleet]:
    def make() -> Fleet:
        demo_create(history_length=timedelta(days=7))
        return fleet_create(key_maker())

    with (
        hand_clock_block() as hand_clock,
        time_machine.travel(hand_clock(), tick=False),
        module_rows(django_db_blocker, make) as fleet,
    ):
        yield fleet


@pytest.fixture
def fleet(_module_fleet: Fleet, db: None, hand_clock: HandClock) -> Fleet:
    """The demo's organisations with a week behind them, and one that has a row of every kind."""
    return _module_fleet


def test_a_page_enters_few_files(fleet: Fleet) -> None:
    paths = {"overview": "/", "organisation": f"/organisations/{fleet.tenant.organisation.slug}/"}
    for role, (name, path) in product(("viewer", "manager", "admin"), paths.items()):
        browser = fleet.browser(role)
        assert browser.get(path).status_code == 200
        files = entered_files(lambda browser=browser, path=path: browser.get(path))
        assert len(files) <= MOST_FILES[name], "\n".join([role, name, *files])


def test_a_sign_in_enters_few_files(fleet: Fleet) -> None:
    person, browser = User.objects.get(pk=fleet.people["manager"].pk), fleet.browser("signed out")
    person.set_password(PASSWORD)
    person.save()
    browser.get("/accounts/login/")
    fields = {"login": person.email, "password": PASSWORD}
    statuses: list[int] = []
    files = entered_files(
        lambda: statuses.append(browser.post("/accounts/login/", fields).status_code)
    )
    assert statuses == [302]
    assert len(files) <= MOST_FILES["sign-in"], "\n".join(files)
