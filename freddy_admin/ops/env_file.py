"""Writes `.env` for a first start: fresh random secrets and the settings of a trial.

`python -m freddy_admin.ops.env_file`; needs neither Django nor any library.
"""

import base64
import os
import secrets
import sys
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


def env_file_write(path: Path) -> bool:
    """Write `path` with mode 0600; False, and nothing touched, where it exists already.

    It appears whole or not at all, also when two starts race. Raises OSError.
    """
    if path.exists():
        return False
    draft_path = path.with_name(f"{path.name}.{secrets.token_hex(8)}")
    descriptor = os.open(draft_path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    try:
        with os.fdopen(descriptor, "w", encoding="ascii") as file:
            file.write(env_file_text())
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
        secret_key=secrets.token_hex(32),
        master_key=base64.urlsafe_b64encode(secrets.token_bytes(32)).decode(),
    )


def main() -> int:
    """The exit code: 0 when there is a `.env` now, 1 when it cannot be written."""
    path = BASE_DIR / ".env"
    try:
        if env_file_write(path):
            print("Wrote .env with fresh secrets for this copy.", file=sys.stderr)
    except OSError as error:
        print(f"Cannot write {path}: {error.strerror}.", file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
