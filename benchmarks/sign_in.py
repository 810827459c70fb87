"""Whether time tells a known address from an unknown one: sign-in and forgotten passwords."""

import random
import time
from collections.abc import Callable
from statistics import median

from django.contrib.auth.hashers import PBKDF2PasswordHasher
from django.test import Client
from django.test.utils import override_settings

from benchmarks.measuring import line
from freddy_admin.accounts.models import User
from freddy_admin.accounts.services import person_ensure
from freddy_admin.audit.services import OPERATOR

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
ROUNDS = 200
Times = dict[str, list[float]]


class FewRounds(PBKDF2PasswordHasher):
    """A thousandth of the real hash, so that it hides nothing of the rest."""

    iterations = PBKDF2PasswordHasher.iterations // 1_000


def known_and_unknown() -> None:
    """Measure and report."""
    few = [f"{__name__}.FewRounds"]
    with override_settings(ACCOUNT_RATE_LIMITS=ENDLESS, PASSWORD_HASHERS=few):
        _people()
        _report("sign-in with a thousandth of the hash", _sign_in)
        _report("asking for a new password", _ask)


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


def _report(what: str, call: Callable[[str], None]) -> None:
    """The work of each kind, and how well the time until the answer tells it from nobody."""
    work, waits = _in_turns(call)
    medians = {kind: median(times) for kind, times in work.items()}
    apart = max(medians.values()) / min(medians.values())
    line(f"{what}: medians of work apart", f"{apart:.3f} x", GOAL)
    for kind, seconds in medians.items():
        auc = "" if kind == "unknown" else f"   AUC {_auc(waits[kind], waits['unknown']):.2f}"
        line(f"  {kind}", f"{seconds * 1e3:.2f} ms{auc}")


def _in_turns(call: Callable[[str], None]) -> tuple[Times, Times]:
    """CPU and clock seconds, in an order drawn anew for each round, after two to warm up."""
    work: Times = {kind: [] for kind in KINDS}
    waits: Times = {kind: [] for kind in KINDS}
    chance = random.Random(1)  # an order, not a secret
    for round_ in range(ROUNDS + 2):
        for kind in chance.sample(list(KINDS), len(KINDS)):
            began = time.thread_time(), time.perf_counter()
            call(kind)
            ended = time.thread_time(), time.perf_counter()
            if round_ > 1:
                work[kind].append(ended[0] - began[0])
                waits[kind].append(ended[1] - began[1])
    return work, waits


def _auc(one: list[float], other: list[float]) -> float:
    """How often one takes longer than the other: 0.5 where nothing tells them apart."""
    longer = sum((a > b) + (a == b) / 2 for a in one for b in other)
    return longer / (len(one) * len(other))
