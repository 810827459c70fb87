"""Starts the panel as a whole: web server and worker under one supervisor."""

import json
import sys
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field

from django.conf import settings
from django.core.management.base import CommandError
from django.utils.translation import gettext as _

from freddy_admin.crypto.keyring import public_key_from_private_key
from freddy_admin.ops.health_probe import WebServerSilent, readyz_get
from freddy_admin.ops.supervisor import (
    ChildEnded,
    PortTaken,
    StopRequested,
    Supervisor,
    port_require_free,
)

READY_SECONDS = 60.0
NamedCommand = tuple[str, Sequence[str]]


@dataclass(frozen=True, slots=True)
class LaunchPlan:
    """What to start: `setup_commands` run to their end one by one before the panel starts.

    Each of `background_commands` runs beside the panel and writes to a log of its own in `var/`;
    each of `printing_commands` to where we do.
    """

    port: int
    env: Mapping[str, str]
    background_commands: Sequence[NamedCommand] = ()
    printing_commands: Sequence[NamedCommand] = ()
    setup_commands: Sequence[NamedCommand] = ()
    host: str = "localhost"
    on_ready: Callable[[], None] = field(default=lambda: None)


def processes_launch(plan: LaunchPlan) -> None:
    """Start everything, call `on_ready` once it is ready, supervise until somebody stops it.

    Raises CommandError, with everything stopped, where a part ends or does not get ready.
    """
    supervisor = Supervisor(cwd=settings.BASE_DIR)
    try:
        port_require_free(plan.port)
        with supervisor.supervising():
            _processes_run(supervisor, plan)
    except StopRequested:
        print(_("Stopped. Your data stays in var/."), file=sys.stderr)
    except PortTaken as error:
        raise CommandError(
            _("%(reason)s Free it or take another one: PORT=8001 make demo (or run).")
            % {"reason": error}
        ) from None
    except ChildEnded as error:
        raise CommandError(_child_ended_sentence(error)) from None


def _child_ended_sentence(error: ChildEnded) -> str:
    sentence = (
        _(
            "Everything was stopped, because %(name)s ended with signal %(code)d. The lines above, "
            "or the logs in var/, say why."
        )
        if error.code < 0
        else _(
            "Everything was stopped, because %(name)s ended with code %(code)d. The lines above, "
            "or the logs in var/, say why."
        )
    )
    return sentence % {"name": error.name, "code": abs(error.code)}


def web_server_environment(env: Mapping[str, str]) -> dict[str, str]:
    """The web server's environment: it gets the public half of the master key alone.

    Empty values stand before those of a `.env` file, which both processes read.
    """
    public_key = settings.ENCRYPTION_PUBLIC_KEY or public_key_from_private_key(
        settings.ENCRYPTION_KEYS[0]
    )
    emptied = {"ENCRYPTION_KEYS": "", "ENCRYPTION_KEYS_FILE": "", "ENCRYPTION_KEYS_KMS": ""}
    emptied |= {"ENCRYPTION_KEYS_KMS_FILE": "", "ENCRYPTION_PUBLIC_KEY_FILE": ""}
    return {**env, **emptied, "ENCRYPTION_PUBLIC_KEY": public_key}


def manage_command_line(*arguments: str) -> list[str]:
    """The command line of one of our commands, run by the Python that runs us."""
    return [sys.executable, str(settings.BASE_DIR / "manage.py"), *arguments]


def _processes_run(supervisor: Supervisor, plan: LaunchPlan) -> None:
    for name, command in plan.background_commands:
        log = settings.BASE_DIR / "var" / f"{name.replace(' ', '-')}.log"
        supervisor.start(name, command, env=plan.env, log=log)
    for name, command in plan.printing_commands:
        supervisor.start(name, command, env=plan.env)
    for name, command in plan.setup_commands:
        supervisor.run(name, command, env=plan.env)
    server = [sys.executable, "-m", "gunicorn", "--config", "gunicorn.conf.py"]
    server += ["--bind", f"127.0.0.1:{plan.port}", "--log-level", "warning"]
    application = [*server, "freddy_admin.wsgi:application"]
    supervisor.start(_("the panel"), application, env=web_server_environment(plan.env))
    supervisor.start(_("the worker"), manage_command_line("run_worker"), env=plan.env)
    parts: dict[str, str] = {}
    if not supervisor.wait_for(lambda: _is_panel_ready(plan, parts), seconds=READY_SECONDS):
        missing_parts = [name for name, state in parts.items() if state != "ok"]
        names = ", ".join(missing_parts) or _("the panel")
        raise CommandError(_("Not ready after a minute: %(parts)s.") % {"parts": names})
    plan.on_ready()
    supervisor.watch()


def _is_panel_ready(plan: LaunchPlan, parts: dict[str, str]) -> bool:
    with suppress(WebServerSilent, ValueError):
        parts.update(json.loads(readyz_get(port=plan.port, host=plan.host)[1]).get("parts", {}))
        return set(parts.values()) == {"ok"}
    return False
