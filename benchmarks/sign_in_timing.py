"""Whether response times reveal a known email address: sign-in and password reset."""

import random
import time
from collections.abc import Callable
from statistics import median

from django.contrib.auth.hashers import PBKDF2PasswordHasher
from django.test import Client
from django.test.utils import override_settings

from benchmarks.timing import print_result
from freddy_admin.accounts.models import User
from freddy_admin.accounts.people import person_get_or_create
from freddy_admin.audit.services import OPERATOR

PASSWORD = "correct horse battery"
# All equally long. The password of somebody inactive must reveal no more than a wrong one.
ACCOUNT_KINDS = {
    "unknown": ("eve@example.org", PASSWORD),
    "known": ("ada@example.org", "wrong"),
    "inactive": ("off@example.org", PASSWORD),
    "without a password": ("non@example.org", PASSWORD),
}
GOAL = "goal: medians < 10 % apart, AUC 0.45 to 0.55"
# So high that no request is refused, as the path to a wrong password is measured.
UNLIMITED_RATES = {
    "login": "100000/s/ip",
    "login_failed": "100000/s/ip,100001/s/key",
    "login_failed_anywhere": "100000/s/key",
    "reset_password": "100000/s/ip,100001/s/key",
}
ROUNDS = 200
Times = dict[str, list[float]]


class FastPasswordHasher(PBKDF2PasswordHasher):
    """A thousandth of the real iterations, so that hashing hides no other difference."""

    iterations = PBKDF2PasswordHasher.iterations // 1_000


def measure_sign_in_timing() -> None:
    """Time sign-ins and password resets of each kind of account and print how far they differ."""
    hashers = [f"{__name__}.FastPasswordHasher"]
    with override_settings(ACCOUNT_RATE_LIMITS=UNLIMITED_RATES, PASSWORD_HASHERS=hashers):
        _create_people()
        _report_kinds("sign-in with a thousandth of the hash", _sign_in)
        _report_kinds("asking for a new password", _request_password_reset)


def _create_people() -> None:
    emails = {kind: email for kind, (email, _) in ACCOUNT_KINDS.items() if kind != "unknown"}
    User.objects.filter(email__in=emails.values()).delete()
    for kind, email in emails.items():
        password = None if kind == "without a password" else PASSWORD
        person_get_or_create(actor=OPERATOR, email=email, password=password)
    User.objects.filter(email=emails["inactive"]).update(is_active=False)


def _sign_in(kind: str) -> None:
    email, password = ACCOUNT_KINDS[kind]
    _post_form("/accounts/login/", login=email, password=password)


def _request_password_reset(kind: str) -> None:
    _post_form("/accounts/password/reset/", email=ACCOUNT_KINDS[kind][0])


def _post_form(path: str, **form: str) -> None:
    response = Client(headers={"host": "localhost"}).post(path, form)
    assert response.status_code in {200, 302}, response.status_code


def _report_kinds(label: str, call: Callable[[str], None]) -> None:
    """Print the CPU time of each kind, and how well wall times tell it from an unknown address."""
    cpu_times, wall_times = _time_in_turns(call)
    medians = {kind: median(times) for kind, times in cpu_times.items()}
    ratio = max(medians.values()) / min(medians.values())
    print_result(f"{label}: medians of work apart", f"{ratio:.3f} x", GOAL, is_met=ratio < 1.1)
    for kind, seconds in medians.items():
        auc = (
            ""
            if kind == "unknown"
            else f"   AUC {_area_under_curve(wall_times[kind], wall_times['unknown']):.2f}"
        )
        print_result(f"  {kind}", f"{seconds * 1e3:.2f} ms{auc}")


def _time_in_turns(call: Callable[[str], None]) -> tuple[Times, Times]:
    """CPU and wall seconds by kind, in a random order each round, after two warm-up rounds."""
    cpu_times: Times = {kind: [] for kind in ACCOUNT_KINDS}
    wall_times: Times = {kind: [] for kind in ACCOUNT_KINDS}
    order = random.Random(1)  # an order, not a secret
    for round_ in range(ROUNDS + 2):
        for kind in order.sample(list(ACCOUNT_KINDS), len(ACCOUNT_KINDS)):
            started = time.thread_time(), time.perf_counter()
            call(kind)
            finished = time.thread_time(), time.perf_counter()
            if round_ > 1:
                cpu_times[kind].append(finished[0] - started[0])
                wall_times[kind].append(finished[1] - started[1])
    return cpu_times, wall_times


def _area_under_curve(times: list[float], other_times: list[float]) -> float:
    """How often a time of the first list is longer: 0.5 where nothing tells the lists apart."""
    longer = sum((a > b) + (a == b) / 2 for a in times for b in other_times)
    return longer / (len(times) * len(other_times))
