"""Writes the settings of a first start: fresh random secrets, and those of a trial.

`python -m freddy_admin.ops.env_file` writes `.env`. With a folder behind it, for `compose.yaml`:
`worker/panel.env`, `web/panel.env` without a key that opens anything, and the database's password.
"""

import base64
import os
import secrets
import sys
from collections.abc import Sequence
from contextlib import suppress
from pathlib import Path

BASE_DIR = Path(__file__).resolve().parent.parent.parent

ENV_FILE_TEMPLATE = """\
# Written at the first start, with secrets made for this copy alone. Never share or commit this
# file. Keep a copy of ENCRYPTION_KEYS in a safe place: without it no stored API key can be opened.
# `.env.example` and `docs/settings.md` explain every setting.

SECRET_KEY={secret_key}
ENCRYPTION_KEYS={master_key}

# A trial on this machine: plain http, loopback hosts alone.
DEBUG=false
PLAIN_HTTP=true
ALLOWED_HOSTS=localhost,127.0.0.1,[::1]

# No second factor while you try it out. For real use take "admins" or "all".
REQUIRE_MFA=off
"""


PASSWORD_FILE = "password"  # noqa: S105  its name


CONTAINER_TEMPLATE = """\
# Written at the first start, with secrets made for this installation alone: docker compose down
# --volumes removes them, and with them every stored API key.
SECRET_KEY={secret_key}
DATABASE_URL=postgres://freddy:{password}@database:5432/freddy
# A trial on this machine, until freddy.env beside compose.yaml says otherwise.
PLAIN_HTTP=true
ALLOWED_HOSTS=localhost,127.0.0.1,[::1]
"""


def env_file_write(path: Path, text: str = "", *, mode: int = 0o600) -> bool:
    """Write `text`, or that of a new `.env`; False, and nothing touched, where `path` exists.

    It appears whole or not at all, also when two starts race. Raises OSError.
    """
    if path.exists():
        return False
    draft_path = path.with_name(f"{path.name}.{secrets.token_hex(8)}")
    descriptor = os.open(draft_path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, mode)
    try:
        with os.fdopen(descriptor, "w", encoding="ascii") as file:
            os.fchmod(descriptor, mode)
            file.write(text or env_file_text())
            file.flush()
            os.fsync(file.fileno())
        os.link(draft_path, path)  # unlike a rename, this refuses to replace a file
    except FileExistsError:
        return False
    finally:
        with suppress(OSError):
            draft_path.unlink()
    return True


def env_file_text() -> str:
    """The text of a new `.env`; other secrets each time."""
    return ENV_FILE_TEMPLATE.format(
        secret_key=secrets.token_hex(32), master_key=_master_key_generate()
    )


def _master_key_generate() -> str:
    return base64.urlsafe_b64encode(secrets.token_bytes(32)).decode()


def container_settings_write(folder: Path) -> bool:
    """Write the files of web server, worker and database below `folder`; False if they are there.

    A start that was cut short begins anew: the worker's file, which tells that all is done, is
    the last one. Raises OSError.
    """
    from freddy_admin.crypto.keyring import public_key_from_private_key

    last_file = folder / "worker" / "panel.env"
    if last_file.exists():
        return False
    password, secret_key, master_key = (
        secrets.token_hex(24),
        secrets.token_hex(32),
        _master_key_generate(),
    )
    common = CONTAINER_TEMPLATE.format(password=password, secret_key=secret_key)
    web = f"{common}ENCRYPTION_PUBLIC_KEY={public_key_from_private_key(master_key)}\n"
    for path, text, mode in (
        # The server's own user reads it, in a folder that nobody else is given.
        (folder / "database" / PASSWORD_FILE, f"{password}\n", 0o644),
        (folder / "web" / "panel.env", web, 0o640),
        (last_file, f"{common}ENCRYPTION_KEYS={master_key}\n", 0o640),
    ):
        path.unlink(missing_ok=True)
        env_file_write(path, text, mode=mode)
    return True


def main(arguments: Sequence[str] = ()) -> int:
    """The exit code: 0 when the settings are there now, 1 when they cannot be written."""
    path = Path(arguments[0]) if arguments else BASE_DIR / ".env"
    try:
        is_new = container_settings_write(path) if arguments else env_file_write(path)
    except OSError as error:
        print(f"Cannot write {path}: {error.strerror}.", file=sys.stderr)
        return 1
    if is_new:
        name = path if arguments else ".env"
        print(f"Wrote {name} with fresh secrets for this copy.", file=sys.stderr)
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
