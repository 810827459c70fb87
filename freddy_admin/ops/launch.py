"""Starts the panel as a whole: web server and worker under one supervisor."""

import http.client
import json
import sys
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field

from django.conf import settings
from django.core.management.base import CommandError
from django.utils.translation import gettext as _

from freddy_admin.crypto.keyring import public_key_text
from freddy_admin.ops.supervisor import ChildEnded, PortTaken, Stopped, Supervisor, port_check

READY_SECONDS = 60.0
Step = tuple[str, Sequence[str]]


@dataclass(frozen=True, slots=True)
class Launch:
    """What to start. `beside` runs beside the panel and writes to a file of its own in `var/`;
    `steps` run to their end one by one before the panel starts.
    """

    port: int
    env: Mapping[str, str]
    beside: Sequence[Step] = ()
    steps: Sequence[Step] = ()
    host: str = "localhost"
    introduce: Callable[[], None] = field(default=lambda: None)


def launch(plan: Launch) -> None:
    """Start everything, introduce it once it is ready, stand by until somebody stops it.

    Raises CommandError, with everything stopped, where a part ends or does not get ready.
    """
    supervisor = Supervisor(cwd=settings.BASE_DIR)
    try:
        port_check(plan.port)
        with supervisor.standing_by():
            _run(supervisor, plan)
    except Stopped:
        print(_("Stopped. Your data stays in var/."), file=sys.stderr)
    except PortTaken as taken:
        raise CommandError(
            _("%(reason)s Free it or take another one: PORT=8001 make demo (or run).")
            % {"reason": taken}
        ) from None
    except ChildEnded as ended:
        raise CommandError(
            _(
                "Everything was stopped, because %(reason)s. The lines above, or the logs in "
                "var/, say why."
            )
            % {"reason": ended}
        ) from None


def sealing_only(env: Mapping[str, str]) -> dict[str, str]:
    """The web server's surroundings: it gets the public half of the master key alone.

    Empty values stand before those of a `.env` file, which both processes read.
    """
    public = settings.ENCRYPTION_PUBLIC_KEY or public_key_text(settings.ENCRYPTION_KEYS[0])
    none = dict.fromkeys(("ENCRYPTION_KEYS", "ENCRYPTION_KEYS_FILE", "ENCRYPTION_KEYS_KMS"), "")
    none |= {"ENCRYPTION_KEYS_KMS_FILE": "", "ENCRYPTION_PUBLIC_KEY_FILE": ""}
    return {**env, **none, "ENCRYPTION_PUBLIC_KEY": public}


def manage(*arguments: str) -> list[str]:
    """The command line of one of our commands, run by the Python that runs us."""
    return [sys.executable, str(settings.BASE_DIR / "manage.py"), *arguments]


def _run(supervisor: Supervisor, plan: Launch) -> None:
    for name, command in plan.beside:
        log = settings.BASE_DIR / "var" / f"{name.replace(' ', '-')}.log"
        supervisor.start(name, command, env=plan.env, log=log)
    for name, command in plan.steps:
        supervisor.run(name, command, env=plan.env)
    server = [sys.executable, "-m", "gunicorn", "--config", "gunicorn.conf.py"]
    server += ["--bind", f"127.0.0.1:{plan.port}", "--log-level", "warning"]
    application = [*server, "freddy_admin.wsgi:application"]
    supervisor.start(_("the panel"), application, env=sealing_only(plan.env))
    supervisor.start(_("the worker"), manage("run_worker"), env=plan.env)
    parts: dict[str, str] = {}
    if not supervisor.wait_for(lambda: _ready(plan, parts), seconds=READY_SECONDS):
        down = ", ".join(name for name, state in parts.items() if state != "ok") or _("the panel")
        raise CommandError(_("Not ready after a minute: %(parts)s.") % {"parts": down})
    plan.introduce()
    supervisor.watch()


def _ready(plan: Launch, parts: dict[str, str]) -> bool:
    connection = http.client.HTTPConnection("127.0.0.1", plan.port, timeout=5)
    with suppress(OSError, http.client.HTTPException, ValueError):
        connection.request("GET", "/readyz", headers={"Host": plan.host})
        answer = connection.getresponse()
        parts.update(json.loads(answer.read()).get("parts", {}))
        connection.close()
        return set(parts.values()) == {"ok"}
    connection.close()
    return False
