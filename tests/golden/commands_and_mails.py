"""What commands print and mails say, on the fixed fleet."""

import re
from argparse import Action
from collections.abc import Iterator
from io import StringIO
from pathlib import Path
from typing import Any

from django.core import mail
from django.core.management import call_command, get_commands, load_command_class
from django.core.management.base import CommandError, CommandParser
from django.db import transaction

from tests.golden.golden_fleet import HOST, Fleet
from tests.golden.page_rendering import RenderedText, mask_random_values
from tests.mails import due_mails_send

MALFORMED_KEY_FILE = """organisation,label,api_key,organization_id,tags
Alpenrand Logistik,Returns,oak_live_golden_record_0001,org_1,emea|pilot
New Place,Main,oak_live_golden_record_0002,,
New Place,Main,oak_live_golden_record_0002,,
,Nowhere,oak_live_golden_record_0003,,
Alpenrand Logistik,Spaced,oak live golden,,
"""
GOOD_KEY_FILE = "\n".join(MALFORMED_KEY_FILE.splitlines()[:3])
SECONDS = re.compile(r"\b\d+\.\d s\b")


def render_commands(fleet: Fleet, folder: Path) -> Iterator[RenderedText]:
    """The output of each command that ends by itself, right and wrong use, and its help."""
    malformed_path, valid_path = folder / "malformed.csv", folder / "keys.csv"
    malformed_path.write_text(MALFORMED_KEY_FILE)
    valid_path.write_text(GOOD_KEY_FILE)
    slug = fleet.tenant.organisation.slug
    for command in (
        ["import_keys", str(malformed_path)],
        ["import_keys", str(valid_path), "--dry-run"],
        ["import_keys", str(valid_path)],
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
        command_text = " ".join(command).replace(f"{folder}/", "")
        yield RenderedText(
            f"command-{command[0]}", command_text, "operator", _run_command(command, folder)
        )
    yield from _render_help_texts()


def _run_command(command: list[str], folder: Path) -> str:
    out, errors = StringIO(), StringIO()
    with transaction.atomic():
        try:
            call_command(*command, stdout=out, stderr=errors)
            exit_text = "exit 0"
        except CommandError as error:
            exit_text = f"exit {error.returncode}: {error}"
        transaction.set_rollback(True)
    # Checks end in whatever order the answers come.
    lines = sorted(out.getvalue().splitlines()) if "check_now" in command else [out.getvalue()]
    output = f"{chr(10).join(lines)}\n{errors.getvalue()}\n{exit_text}".replace(f"{folder}/", "")
    return mask_random_values(SECONDS.sub("(seconds) s", output.strip()))


def _render_help_texts() -> Iterator[RenderedText]:
    """What `--help` says of our commands, without the layout of one Python version."""
    for name, app in sorted(get_commands().items()):
        if not str(app).startswith("freddy_admin"):
            continue
        command = load_command_class(str(app), name)
        parser = _RecordingParser()
        command.add_arguments(parser)
        lines = [command.help, *parser.help_lines]
        yield RenderedText(f"command-{name}", "--help", "operator", "\n".join(lines))


class _RecordingParser(CommandParser):
    """Records what the command's own arguments are called, and what is said of them."""

    def __init__(self) -> None:
        self.help_lines: list[str] = []
        super().__init__(add_help=False)

    def add_argument(self, *names: Any, **options: Any) -> Action:
        action = super().add_argument(*names, **options)
        if action.help:
            self.help_lines.append(f"{action.dest}: {action.help}")
        return action


def render_mails(fleet: Fleet) -> Iterator[RenderedText]:
    """An invitation and a password reset, as the worker sends them."""
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
        due_mails_send()
        messages = list(mail.outbox)
        transaction.set_rollback(True)
    for message in messages:
        text = (
            f"To: {', '.join(message.to)}\nFrom: {message.from_email}\nSubject: {message.subject}\n"
        )
        body = re.sub(r"/(reset/key|invitations)/\S+", r"/\1/(secret)/", str(message.body))
        yield RenderedText("mails", message.subject, "worker", mask_random_values(text + body))
