"""What commands print and mails say, on the fixed fleet."""

import re
from collections.abc import Iterator
from io import StringIO
from pathlib import Path

from django.core import mail
from django.core.management import call_command, get_commands, load_command_class
from django.core.management.base import CommandError
from django.db import transaction

from freddy_admin.accounts.signing_in.resets import resets_send_due
from freddy_admin.organisations.invitation_mail import invitations_send_due
from tests.golden.fleet import HOST, Fleet
from tests.golden.rendering import Shown, masked

KEYS = """organisation,label,api_key,organization_id,tags
Alpenrand Logistik,Returns,oak_live_golden_record_0001,org_1,emea|pilot
New Place,Main,oak_live_golden_record_0002,,
New Place,Main,oak_live_golden_record_0002,,
,Nowhere,oak_live_golden_record_0003,,
Alpenrand Logistik,Spaced,oak live golden,,
"""
GOOD_ROWS = "\n".join(KEYS.splitlines()[:3])
SECONDS = re.compile(r"\b\d+\.\d s\b")


def commands_shown(fleet: Fleet, folder: Path) -> Iterator[Shown]:
    """The output of each command that ends by itself, right and wrong use, and its help."""
    bad, good = folder / "malformed.csv", folder / "keys.csv"
    bad.write_text(KEYS)
    good.write_text(GOOD_ROWS)
    slug = fleet.tenant.organisation.slug
    for command in (
        ["import_keys", str(bad)],
        ["import_keys", str(good), "--dry-run"],
        ["import_keys", str(good)],
        ["import_keys", str(folder / "missing.csv")],
        ["check_now"],
        ["check_now", "--organisation", "xenon-robotics"],
        ["check_now", "--organisation", "zephyr-airfreight"],
        ["check_now", "--organisation", "foxglove-florists"],
        ["check_now", "--organisation", "no-such-place"],
        ["create_admin", "not-an-address"],
        ["add_member", "vic@grove.example", "--organisation", slug, "--role", "operator"],
        ["add_member", "vic@grove.example", "--organisation", "nowhere", "--role", "viewer"],
        ["create_api_token", "vic@grove.example", "--name", "Board"],
        ["create_api_token", "nobody@example.org", "--name", "Board"],
        ["rotate_encryption"],
        ["encryption_public_key"],
        ["doctor"],
    ):
        said = " ".join(command).replace(f"{folder}/", "")
        yield Shown(f"command-{command[0]}", said, "operator", _ran(command, folder))
    yield from _helps()


def _ran(command: list[str], folder: Path) -> str:
    out, hints = StringIO(), StringIO()
    with transaction.atomic():
        try:
            call_command(*command, stdout=out, stderr=hints)
            end = "exit 0"
        except CommandError as error:
            end = f"exit {error.returncode}: {error}"
        transaction.set_rollback(True)
    # Checks end in whatever order the answers come.
    lines = sorted(out.getvalue().splitlines()) if "check_now" in command else [out.getvalue()]
    said = f"{chr(10).join(lines)}\n{hints.getvalue()}\n{end}".replace(f"{folder}/", "")
    return masked(SECONDS.sub("(seconds) s", said.strip()))


def _helps() -> Iterator[Shown]:
    """What `--help` says of ours, without the layout of one Python or another."""
    for name, app in sorted(get_commands().items()):
        if not str(app).startswith("freddy_admin"):
            continue
        command = load_command_class(str(app), name)
        parser = command.create_parser("manage.py", name)
        own = [action for action in parser._actions if action.help and action.dest not in _DJANGOS]
        lines = [command.help, *(f"{action.dest}: {action.help}" for action in own)]
        yield Shown(f"command-{name}", "--help", "operator", "\n".join(lines))


_DJANGOS = frozenset(
    {"version", "verbosity", "settings", "pythonpath", "traceback", "no_color", "force_color"}
    | {"skip_checks", "help"}
)


def mails_shown(fleet: Fleet) -> Iterator[Shown]:
    """An invitation and a forgotten password, as the worker sends them."""
    with transaction.atomic():
        browser, slug = fleet.browser("manager"), fleet.tenant.organisation.slug
        browser.post(
            f"/organisations/{slug}/members/invite/",
            {"email": "nia@example.org", "role": "operator"},
        )
        fleet.browser("signed out").post(
            "/accounts/password/reset/", {"email": "vic@grove.example"}, HTTP_HOST=HOST
        )
        mail.outbox.clear()
        invitations_send_due()
        resets_send_due()
        sent = list(mail.outbox)
        transaction.set_rollback(True)
    for one in sent:
        text = f"To: {', '.join(one.to)}\nFrom: {one.from_email}\nSubject: {one.subject}\n"
        body = re.sub(r"/(reset/key|invitations)/\S+", r"/\1/(secret)/", str(one.body))
        yield Shown("mails", one.subject, "worker", masked(text + body))
