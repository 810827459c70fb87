"""The problem panel: what to do comes first, nothing is said twice, times in both forms."""

import re

import pytest

from freddy_admin.organisations.models import Organisation
from freddy_admin.sync.health_states import HealthState
from freddy_admin.vault.models import CandidateState, KeyCandidate
from tests.web.conftest import HandClock, MakeKey, People, SignIn, columns_by_state

HERE = "/organisations/alder/"
SECRET = "oak_live_a1b2PLANTEDPLANTEDPLANTEDPLANTEDPLANTEDwxyz"
TROUBLED = (
    HealthState.KEY_UNREADABLE,
    HealthState.KEY_REJECTED,
    HealthState.KEY_NOT_PERMITTED,
    HealthState.OVERDUE,
    HealthState.NEVER_SYNCED,
    HealthState.LATE,
)


def _problem_panel_html(page: str) -> str:
    return page[page.index('class="problem tone-') :].partition("</section>")[0]


def _sentences(text: str) -> list[str]:
    plain_text = re.sub(
        r"<textarea.*?</textarea>|<summary.*?</summary>|<[^>]+>", "\n", text, flags=re.S
    )
    return [line.strip() for line in plain_text.splitlines() if len(line.strip()) > 12]


@pytest.mark.parametrize("state", TROUBLED)
def test_problem_panel_says_nothing_twice(
    state: HealthState, people: People, signed_in: SignIn, make_key: MakeKey, hand_clock: HandClock
) -> None:
    make_key(**({"state": state} | columns_by_state(hand_clock())[state]))
    page = signed_in(people.manager).get(HERE).content.decode()
    panel = page[page.index('class="key-card-headline"') : page.index('class="figures"')]
    sentences = _sentences(panel)
    assert len(sentences) == len(set(sentences))
    assert len(_sentences(_problem_panel_html(page))) >= 3


def test_problem_start_is_shown_relative_and_as_clock_time(
    people: People, signed_in: SignIn, make_key: MakeKey, hand_clock: HandClock
) -> None:
    overdue = columns_by_state(hand_clock())[HealthState.OVERDUE]
    since = hand_clock().replace(hour=8, minute=15)
    make_key(**({"state": HealthState.OVERDUE, "state_since": since} | overdue))
    panel = _problem_panel_html(signed_in(people.viewer).get(HERE).content.decode())
    assert ">3 h ago</time>" in panel
    assert ">08:15</span>" in panel


@pytest.mark.parametrize(
    ("row", "colour_scheme", "label"),
    [
        ({"state": HealthState.OVERDUE}, "btn-primary", "Start a sync"),
        (
            {"state": HealthState.UNKNOWN, "outcome": "failed", "error_kind": "server_error"},
            "btn-quiet",
            "Check now",
        ),
    ],
)
def test_only_the_role_that_can_act_gets_a_primary_button(
    row: dict[str, object],
    colour_scheme: str,
    label: str,
    people: People,
    signed_in: SignIn,
    make_key: MakeKey,
) -> None:
    make_key(**row)
    panel = _problem_panel_html(signed_in(people.operator).get(HERE).content.decode())
    assert f'class="btn {colour_scheme}"' in panel
    assert label in panel


def test_a_last_sync_that_lies_ahead_does_not_read_as_just_now(
    people: People, signed_in: SignIn, make_key: MakeKey, hand_clock: HandClock
) -> None:
    ahead = hand_clock().replace(hour=20)
    make_key(last_sync_at=ahead, next_sync_at=ahead, state=HealthState.UNKNOWN, state_rule=7)
    page = signed_in(people.viewer).get("/").content.decode()
    assert page[page.index('class="c-last"') :].count("in 8 h") >= 1
    assert "just now" not in page[page.index('class="c-last"') :].partition("</td>")[0]


@pytest.mark.parametrize("draft", [True, False])
def test_a_refused_key_leads_to_the_next_one(
    draft: bool, people: People, signed_in: SignIn, make_key: MakeKey
) -> None:
    client = signed_in(people.manager)
    if draft:
        page = client.post(f"{HERE}keys/add/", {"label": "Sales", "api_key": SECRET})["Location"]
    else:
        page = f"{HERE}keys/{make_key().pk}/"
        client.post(f"{page}replace/", {"api_key": SECRET})
    KeyCandidate.objects.update(state=CandidateState.REFUSED, result_kind="key_refused")
    page_html = client.get(page).content.decode()
    assert f'<a class="btn btn-primary" href="{page}replace/">' in page_html
    assert "until the new one works or you keep it" not in page_html
    assert ("Nothing is in use yet." in page_html) is draft
    form = client.get(f"{page}replace/").content.decode()
    assert ("the present one stays in use" in form) is not draft
    assert client.post(f"{page}replace/", {"api_key": SECRET[:-4] + "abcd"}).status_code == 302
    assert KeyCandidate.objects.get().state == CandidateState.PENDING


@pytest.mark.parametrize("number", [1, 2])
def test_the_label_of_an_only_key_stays_in_the_background(
    number: int, people: People, signed_in: SignIn, make_key: MakeKey
) -> None:
    for count in range(number):
        make_key(f"Key {count}")
    page = signed_in(people.viewer).get(HERE).content.decode()
    assert page.count("key-card-label-only") == (1 if number == 1 else 0)


def test_a_form_leads_back_to_its_organisation(
    people: People, signed_in: SignIn, organisation: Organisation, make_key: MakeKey
) -> None:
    key, client = make_key(), signed_in(people.admin)
    for form in ("keys/add/", "rename/", "remove/", f"keys/{key.pk}/edit/"):
        page = client.get(f"{HERE}{form}").content.decode()
        trail = page[page.index('class="trail"') :].partition("</nav>")[0]
        assert f'<a href="{HERE}">{organisation.name}</a>' in trail
