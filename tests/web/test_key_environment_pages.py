"""Where a key belongs, as people choose and read it."""

import json
import re

import pytest
from django.conf import LazySettings
from django.test import Client

from freddy_admin.conf.api_environments import ApiEnvironment
from freddy_admin.organisations.models import Organisation
from freddy_admin.sync.candidates.import_rows import import_rows_promote
from freddy_admin.sync.models import ApiHealth, SyncStatus, WorkerHeartbeat
from freddy_admin.vault.candidate_result import CandidateResult
from freddy_admin.vault.models import (
    ApiKey,
    CandidateState,
    ImportDraftRow,
    ImportRowState,
    KeyCandidate,
)
from freddy_admin.vault.services.candidates import candidate_record_result
from freddy_admin.vault.services.import_rows import import_row_record_result, import_rows_claim
from tests.api.api_client import ApiClient
from tests.vault.import_draft_data import import_rows_record_results
from tests.web.conftest import HandClock, MakeKey, People, SignIn
from tests.web.test_key_import_pages import page_rows

SECRET = "oak_live_a1b2PLANTEDPLANTEDPLANTEDPLANTEDPLANTEDwxyz"
HERE = "/organisations/alder/"
REFUSED = CandidateResult(kind="key_refused", code="INVALID_API_KEY", http_status=401)
HINT = "There is also staging (staging-api.aitronos.com)"
COLUMNS = "organisation,label,api_key,organization_id,tags"


@pytest.fixture
def manager_client(people: People, signed_in: SignIn) -> Client:
    return signed_in(people.manager)


@pytest.fixture
def staging(settings: LazySettings) -> None:
    settings.AITRONOS_API_BASE_URL = "https://api.aitronos.com"
    settings.AITRONOS_ENVIRONMENTS = (
        ApiEnvironment("staging", "https://staging-api.aitronos.com", ("x-api-key", "api-key")),
    )


def _refused_columns(code: str = "INVALID_API_KEY") -> dict[str, object]:
    return {
        "state": "key_rejected",
        "state_rule": 3,
        "outcome": "refused",
        "refusals": 2,
        "refusal_status": 401,
        "error_kind": "key_refused",
        "error_http_status": 401,
        "error_code": code,
        "unknown_at": None,
    }


def _text(page: str) -> str:
    return " ".join(re.sub(r"<[^>]*>", " ", page).split())


def test_no_page_asks_for_an_environment_where_there_is_one(
    manager_client: Client, make_key: MakeKey
) -> None:
    key = make_key()
    for page in ("keys/add/", f"keys/{key.pk}/", f"keys/{key.pk}/replace/"):
        assert "nvironment" not in _text(manager_client.get(f"{HERE}{page}").content.decode()), page
    assert "nvironment" not in _text(manager_client.get("/").content.decode())
    assert "nvironment" not in _text(manager_client.get("/import/").content.decode())


def test_a_new_key_is_stored_for_the_chosen_environment(
    manager_client: Client, staging: None
) -> None:
    form = manager_client.get(f"{HERE}keys/add/").content.decode()
    assert '<option value="default" selected>default (api.aitronos.com)</option>' in form
    assert '<option value="staging">staging (staging-api.aitronos.com)</option>' in form
    fields = {"label": "Rehearsal", "api_key": SECRET, "environment": "staging"}
    page = manager_client.get(
        manager_client.post(f"{HERE}keys/add/", fields)["Location"]
    ).content.decode()
    key = ApiKey.objects.get()
    assert (key.environment, KeyCandidate.objects.get().environment) == ("staging", "staging")
    assert "staging (staging-api.aitronos.com)" in page


@pytest.mark.parametrize("chosen", ["", "production", "Staging;"])
def test_an_environment_that_is_no_choice_is_refused_beside_the_field(
    manager_client: Client, staging: None, chosen: str
) -> None:
    fields = {"label": "Rehearsal", "api_key": SECRET, "environment": chosen}
    page = manager_client.post(f"{HERE}keys/add/", fields).content.decode()
    assert 'id="id_environment_error"' in page
    assert not ApiKey.objects.exists()


def test_a_key_is_moved_with_its_replacement(
    manager_client: Client, make_key: MakeKey, staging: None
) -> None:
    key = make_key(key={"environment": "staging"})
    address = f"{HERE}keys/{key.pk}/replace/"
    assert '<option value="staging" selected>' in manager_client.get(address).content.decode()
    manager_client.post(address, {"api_key": SECRET, "environment": "default"})
    key.refresh_from_db()
    assert (key.environment, KeyCandidate.objects.get().environment) == ("staging", "default")


def test_the_replacement_of_a_key_whose_environment_is_gone_must_choose(
    manager_client: Client, make_key: MakeKey
) -> None:
    key = make_key(key={"environment": "staging"})
    address = f"{HERE}keys/{key.pk}/replace/"
    page = manager_client.post(address, {"api_key": SECRET}).content.decode()
    assert "Choose the environment in which the key was made." in page
    assert not KeyCandidate.objects.exists()
    manager_client.post(address, {"api_key": SECRET, "environment": "default"})
    assert KeyCandidate.objects.get().environment == "default"


def test_overview_marks_and_filters_keys_of_other_environments(
    manager_client: Client, make_key: MakeKey, staging: None
) -> None:
    make_key("Sales")
    make_key("Rehearsal", key={"environment": "staging"})
    page = manager_client.get("/").content.decode()
    assert page.count('<span class="mark mark-quiet">staging</span>') == 1
    assert '<option value="staging" >staging</option>' in page
    narrowed = manager_client.get("/?environment=staging").content.decode()
    assert "1 of 2 keys" in narrowed
    assert ">Sales</a>" not in narrowed
    csv = manager_client.get("/overview.csv?environment=staging")
    lines = b"".join(csv.streaming_content).decode().splitlines()  # type: ignore[attr-defined]
    assert (lines[0].split(",")[-1], lines[1].split(",")[-1]) == ("environment", "staging")
    assert len(lines) == 2


def test_keys_of_an_environment_that_is_gone_can_be_found(
    manager_client: Client, make_key: MakeKey
) -> None:
    make_key("Rehearsal", key={"environment": "staging"})
    assert '<option value="staging" >' in manager_client.get("/").content.decode()
    assert "1 key" in manager_client.get("/?environment=staging").content.decode()


def test_json_names_the_environment_last(
    people: People, make_key: MakeKey, hand_clock: HandClock
) -> None:
    make_key(key={"environment": "staging"})
    answer = ApiClient(people.manager).get("statuses")
    (status,) = json.loads(answer.content)["statuses"]
    assert list(status)[-1] == "environment"
    assert status["environment"] == "staging"


def test_key_page_says_where_the_key_is_called(
    manager_client: Client, make_key: MakeKey, staging: None
) -> None:
    key = make_key(key={"environment": "staging"}, **_refused_columns())
    page = manager_client.get(f"{HERE}keys/{key.pk}/").content.decode()
    assert "staging (staging-api.aitronos.com)" in page
    assert "Call: GET https://staging-api.aitronos.com/v1/admin/composio/sync/status" in page
    assert "Header with the key: x-api-key, api-key" in page


def test_a_rejected_key_gets_the_hint_that_there_are_other_environments(
    manager_client: Client, make_key: MakeKey, staging: None, settings: LazySettings
) -> None:
    unknown, expired = (
        make_key(**_refused_columns()),
        make_key(**_refused_columns("API_KEY_EXPIRED")),
    )

    def page(key: ApiKey) -> str:
        return manager_client.get(f"{HERE}keys/{key.pk}/").content.decode()

    assert HINT in page(unknown)
    assert HINT not in page(expired)  # this environment knows the key
    settings.AITRONOS_ENVIRONMENTS = ()
    assert "There is also" not in page(unknown)


def test_a_refused_candidate_gets_the_hint(
    manager_client: Client, staging: None, organisation: Organisation
) -> None:
    fields = {"label": "Main", "api_key": SECRET, "environment": "default"}
    page = manager_client.post(f"{HERE}keys/add/", fields)["Location"]
    candidate_record_result(
        organisation=organisation,
        key=ApiKey.objects.get(),
        version=KeyCandidate.objects.get().version,
        state=CandidateState.REFUSED,
        outcome=REFUSED,
    )
    text = _text(manager_client.get(page).content.decode())
    assert f"It was asked at default (api.aitronos.com). {HINT}" in text


def test_a_rejected_import_row_gets_the_hint(manager_client: Client, staging: None) -> None:
    rows = f"{COLUMNS},environment\nAlder,Main,{SECRET},,,staging\n"
    page = manager_client.post("/import/", {"rows": rows})["Location"]
    ((lease, row),) = import_rows_claim(limit=5, lease_seconds=30)
    import_row_record_result(
        row_id=row.pk, token=lease.token, state=ImportRowState.REJECTED, outcome=REFUSED
    )
    words = page_rows(manager_client.get(page).content.decode())["2"]
    assert "Alder staging" in words
    assert "There is also default (api.aitronos.com)" in words


def test_the_import_page_names_the_environments(manager_client: Client, staging: None) -> None:
    page = _text(manager_client.get("/import/").content.decode())
    assert "as you like of: owner, expires_on, grace_minutes, environment" in page
    assert "environment says where the key was made: default, staging" in page


def test_the_environment_may_stand_anywhere_behind_the_five_columns(
    manager_client: Client, people: People, staging: None
) -> None:
    rows = f"{COLUMNS},grace_minutes,Environment,owner\n"
    rows += f"Alder,Main,{SECRET},,,90, Staging ,{people.viewer.email}\n"
    page = manager_client.post("/import/", {"rows": rows})["Location"]
    import_rows_record_results()
    words = page_rows(manager_client.get(page).content.decode())["2"]
    assert "Alder staging" in words
    assert f"owner {people.viewer} · grace of 90 minutes" in words
    manager_client.post(f"{page}confirm/")
    import_rows_promote()
    key = ApiKey.objects.get()
    assert (key.environment, key.owner, key.grace_minutes) == ("staging", people.viewer, 90)


def test_an_unknown_environment_makes_a_row_malformed(
    manager_client: Client, staging: None
) -> None:
    rows = f"{COLUMNS},environment\nAlder,Main,{SECRET},,,{SECRET}\n"
    page = manager_client.get(
        manager_client.post("/import/", {"rows": rows})["Location"]
    ).content.decode()
    assert "No such environment is set up here. There is: default, staging." in page
    assert "PLANTED" not in page
    assert ImportDraftRow.objects.get().ciphertext is None


def test_a_key_whose_environment_is_gone_says_so(manager_client: Client, make_key: MakeKey) -> None:
    key = make_key(
        key={"environment": "staging"},
        state="up_to_date",
        outcome="failed",
        error_kind="environment_missing",
        failures=3,
    )
    SyncStatus.objects.update(unknown_at=SyncStatus.objects.get().observed_at)
    page = _text(manager_client.get(f"{HERE}keys/{key.pk}/").content.decode())
    assert "This key belongs to an environment that is not set up here" in page
    assert "Name the environment in AITRONOS_ENVIRONMENTS" in page
    assert "staging (not set up)" in page
    assert "Call: none, it is not set up" in page
    assert "The people who run this panel." in page
    overview = _text(manager_client.get("/").content.decode())
    assert "Unknown Environment not set up" in overview


def test_system_page_tells_each_environment(
    people: People,
    signed_in: SignIn,
    make_key: MakeKey,
    staging: None,
    worker: WorkerHeartbeat,
    hand_clock: HandClock,
) -> None:
    now = hand_clock()
    ApiHealth.objects.create(checked_at=now, reachable=True, elapsed_ms=12.0)
    ApiHealth.objects.create(environment="staging", checked_at=now, reachable=False, kind="tls")
    make_key(key={"environment": "gone"})
    page = _text(signed_in(people.admin).get("/system/").content.decode())
    assert re.search(r"Aitronos API, default\s+reachable", page)
    assert re.search(r"Aitronos API, staging\s+Secure connection failed", page)
    assert "Address: https://staging-api.aitronos.com" in page
    assert "Keys are sent in x-api-key + api-key" in page
    assert re.search(r"Environments\s+not set up", page)
    assert "gone: 1 key" in page
