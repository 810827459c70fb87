"""The system page and the profile."""

from datetime import timedelta

from django.db import connection

from freddy_admin.audit.models import AuditVerification
from freddy_admin.core.models import OutboxMessage
from freddy_admin.core.task_engine import job_defer
from freddy_admin.sync.models import ApiHealth, SyncStatus, WorkerHeartbeat
from freddy_admin.vault.models import ImportDraft, ImportDraftRow
from tests.web.conftest import HandClock, MakeKey, People, SignIn


def test_the_system_page_says_what_works(
    people: People, signed_in: SignIn, worker: WorkerHeartbeat, hand_clock: HandClock
) -> None:
    ApiHealth.objects.create(checked_at=hand_clock(), reachable=True, elapsed_ms=12.0)
    page = signed_in(people.admin).get("/system/").content.decode()
    assert "Everything works" in page
    assert "1 worker runs" in page
    assert "reachable" in page


def test_the_system_page_says_what_does_not_work(
    people: People, signed_in: SignIn, worker: WorkerHeartbeat, hand_clock: HandClock
) -> None:
    ApiHealth.objects.create(checked_at=hand_clock(), reachable=False, kind="tls")
    hand_clock.at += timedelta(minutes=5)
    page = signed_in(people.admin).get("/system/").content.decode()
    assert "no worker runs" in page
    assert "Secure connection failed" in page
    assert "2 parts need you" in page


def test_the_system_page_waits_for_aitronos_where_nobody_here_can_do_anything(
    people: People, signed_in: SignIn, worker: WorkerHeartbeat, hand_clock: HandClock
) -> None:
    for kind in ("server_error", "read_timeout", "name_not_found"):
        values = {"checked_at": hand_clock(), "reachable": False, "kind": kind}
        ApiHealth.objects.update_or_create(environment="default", defaults=values)
        page = signed_in(people.admin).get("/system/").content.decode()
        assert "1 part is waiting" in page
        assert "needs you" not in page.split("<main")[1]
    hand_clock.at += timedelta(minutes=5)
    page = signed_in(people.admin).get("/system/").content.decode()
    assert "1 part needs you · 1 part is waiting" in page


def test_the_system_page_tells_that_mails_are_not_sent(
    people: People, signed_in: SignIn, worker: WorkerHeartbeat, hand_clock: HandClock
) -> None:
    client = signed_in(people.admin)
    assert "nothing waits" in client.get("/system/").content.decode()
    at = hand_clock() - timedelta(minutes=11)
    OutboxMessage.objects.create(
        lane="mail",
        kind="invitation",
        object_id=1,
        requested_at=at,
        next_attempt_at=hand_clock(),
        failing_since=at,
        reason="no_answer",
    )
    page = client.get("/system/").content.decode()
    assert "1 mail waits" in page
    assert "The mail server does not answer" in page
    assert "1 part needs you" in page


def test_the_system_page_says_what_people_wait_for_too_long(
    people: People, signed_in: SignIn, worker: WorkerHeartbeat, hand_clock: HandClock
) -> None:
    client = signed_in(people.admin)
    draft = ImportDraft.objects.create(person=people.admin, created_at=hand_clock())
    ImportDraftRow.objects.bulk_create(
        ImportDraftRow(draft=draft, number=number) for number in range(3)
    )
    page = client.get("/system/").content.decode()
    assert "Waiting: 3 pasted keys to test, the first since" in page
    assert "needs you" not in page.split("<main")[1]
    hand_clock.at += timedelta(minutes=11)
    WorkerHeartbeat.objects.update(heartbeat_at=hand_clock())
    page = client.get("/system/").content.decode()
    assert "Waiting: 3 pasted keys to test, the first since" in page
    assert "More workers do more at a time." in page
    assert "1 part needs you" in page


def test_the_system_page_says_what_waits_and_what_is_under_way_in_each_queue(
    people: People,
    signed_in: SignIn,
    worker: WorkerHeartbeat,
    hand_clock: HandClock,
    make_key: MakeKey,
) -> None:
    client, key = signed_in(people.admin), make_key()
    rows = SyncStatus.objects.filter(pk=key.pk)
    rows.update(next_check_at=hand_clock(), requested_at=hand_clock())
    page = client.get("/system/").content.decode()
    assert "Waiting: 1 check that was asked for, the first since" in page
    rows.update(lease_token="t", lease_until=hand_clock() + timedelta(minutes=1))
    page = client.get("/system/").content.decode()
    assert "Under way: 1 check that was asked for." in page
    assert "Waiting:" not in page


def test_the_system_page_says_how_workers_hear_of_work_and_whether_they_do(
    people: People, signed_in: SignIn, worker: WorkerHeartbeat
) -> None:
    client = signed_in(people.admin)
    if connection.vendor != "postgresql":
        page = client.get("/system/").content.decode()
        assert "Workers look twice a second for what people ask for." in page
        return
    for _ in range(2):
        job_defer("operations")
    page = client.get("/system/").content.decode()
    assert "Workers hear at once of what people ask for." in page
    assert "2 calls for a worker are not heard yet, the first made" in page
    assert "needs you" not in page.split("<main")[1]
    with connection.cursor() as cursor:
        cursor.execute("UPDATE procrastinate_events SET at = at - interval '70 s'")
    page = client.get("/system/").content.decode()
    assert "No worker hears them" in page
    assert "1 part needs you" in page


def test_time_zone_and_theme_of_a_profile_are_used_and_named(
    people: People, signed_in: SignIn
) -> None:
    client = signed_in(people.viewer)
    fields = {"name": "Vi", "time_zone": "Europe/Zurich", "theme": "dark"}
    page = client.post("/profile/", fields, follow=True).content.decode()
    assert "Your profile was saved." in page
    assert "Times are shown in Europe/Zurich." in page
    assert 'data-theme="dark"' in page


def test_a_zone_that_does_not_exist_is_said_beside_its_field(
    people: People, signed_in: SignIn
) -> None:
    fields = {"name": "", "time_zone": "Mars/Olympus", "theme": "dark"}
    page = signed_in(people.viewer).post("/profile/", fields).content.decode()
    assert 'id="id_time_zone_error"' in page


def test_the_system_page_tells_when_the_audit_log_was_verified(
    people: People, signed_in: SignIn, hand_clock: HandClock
) -> None:
    client = signed_in(people.admin)
    assert "not verified yet" in client.get("/system/").content.decode()

    AuditVerification.objects.create(pk=1, verified_at=hand_clock(), events=12_345)
    hand_clock.advance(hours=3)
    page = client.get("/system/").content.decode()
    assert "12,345 events, none was changed or removed." in page
    assert "3 h ago" in page


def test_the_system_page_tells_that_the_audit_log_was_tampered_with(
    people: People, signed_in: SignIn, hand_clock: HandClock
) -> None:
    problem = {"wrong": "removed", "number": 57, "at": hand_clock().isoformat()}
    AuditVerification.objects.create(pk=1, verified_at=hand_clock(), events=56, problem=problem)
    page = signed_in(people.admin).get("/system/").content.decode()
    assert "tampered with" in page
    assert "An event (number 57) was removed by hand, written after 2 Mar 2026, 12:00:00" in page
