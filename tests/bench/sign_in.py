"""Whether time tells a known address from an unknown one: sign-in and forgotten passwords."""

import random
import time
from collections.abc import Callable, Mapping
from statistics import median

from django.test import Client
from django.test.utils import override_settings

from freddy_admin.accounts.models import User
from freddy_admin.accounts.services import person_ensure
from freddy_admin.audit.services import OPERATOR
from tests.bench.measuring import line

PASSWORD = "correct horse battery"
# All equally long. Whoever knows the password of somebody inactive learns no more than others.
KINDS = {
    "unknown": ("eve@example.org", PASSWORD),
    "known": ("ada@example.org", "wrong"),
    "inactive": ("off@example.org", PASSWORD),
    "without a password": ("non@example.org", PASSWORD),
}
GOAL = "goal: medians < 10 % apart, AUC 0.45 to 0.55"
# So many that none is refused: what is measured is the way to a wrong password.
ENDLESS = {
    "login": "100000/s/ip",
    "login_failed": "100000/s/ip,100001/s/key",
    "login_failed_anywhere": "100000/s/key",
    "reset_password": "100000/s/ip,100001/s/key",
}
REAL_HASHER = ["django.contrib.auth.hashers.PBKDF2PasswordHasher"]


def known_and_unknown() -> None:
    """Measure and report; the hash hides much, so the rest is measured without it, too."""
    with override_settings(ACCOUNT_RATE_LIMITS=ENDLESS):
        _people()
        _report("sign-in without the cost of a hash", _sign_in, rounds=200)
        _report("asking for a new password", _ask, rounds=200)
        with override_settings(PASSWORD_HASHERS=REAL_HASHER):
            _people()
            _report("sign-in as it is", _sign_in, rounds=20)


def _people() -> None:
    names = {kind: email for kind, (email, _) in KINDS.items() if kind != "unknown"}
    User.objects.filter(email__in=names.values()).delete()
    for kind, email in names.items():
        password = None if kind == "without a password" else PASSWORD
        person_ensure(actor=OPERATOR, email=email, password=password)
    User.objects.filter(email=names["inactive"]).update(is_active=False)


def _sign_in(kind: str) -> None:
    email, password = KINDS[kind]
    _post("/accounts/login/", login=email, password=password)


def _ask(kind: str) -> None:
    _post("/accounts/password/reset/", email=KINDS[kind][0])


def _post(path: str, **form: str) -> None:
    answer = Client(headers={"host": "localhost"}).post(path, form)
    assert answer.status_code in {200, 302}, answer.status_code


def _report(what: str, call: Callable[[str], None], *, rounds: int) -> None:
    taken = _in_turns(call, rounds=rounds)
    floor = median(taken["unknown"])
    line(f"{what}, {rounds} rounds: unknown", f"{floor * 1e3:.2f} ms", GOAL)
    for kind, times in taken.items():
        if kind != "unknown":
            apart = median(times) / floor - 1
            line(f"  {kind}", f"{apart:+.1%}   AUC {_auc(times, taken['unknown']):.2f}")


def _in_turns(call: Callable[[str], None], *, rounds: int) -> Mapping[str, list[float]]:
    """Seconds of each kind, in an order drawn anew for each round, after two to warm up."""
    taken: dict[str, list[float]] = {kind: [] for kind in KINDS}
    chance = random.Random(1)  # an order, not a secret
    for round_ in range(rounds + 2):
        for kind in chance.sample(list(KINDS), len(KINDS)):
            began = time.perf_counter()
            call(kind)
            seconds = time.perf_counter() - began
            if round_ > 1:
                taken[kind].append(seconds)
    return taken


def _auc(one: list[float], other: list[float]) -> float:
    """How often one takes longer than the other: 0.5 where nothing tells them apart."""
    longer = sum((a > b) + (a == b) / 2 for a in one for b in other)
    return longer / (len(one) * len(other))
