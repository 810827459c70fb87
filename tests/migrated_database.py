"""A migrated and empty SQLite file to be copied: to migrate a new one takes ten CPU seconds."""

import hashlib
import os
import secrets
import shutil
import sqlite3
import subprocess
import sys
from contextlib import closing
from functools import cache
from importlib.util import find_spec
from pathlib import Path

import django

ROOT = Path(__file__).resolve().parents[1]


@cache
def migrated_database_file() -> Path:
    """The file, made by `manage.py migrate` when none fits the migrations as they are now."""
    path = ROOT / ".pytest_cache" / f"migrated-{_migrations_digest()}.sqlite3"
    if not path.exists():
        path.parent.mkdir(exist_ok=True)
        # Another process may make it, too: whichever is ready last replaces an equal one.
        unfinished = path.with_suffix(f".{os.getpid()}")
        database_migrate(f"sqlite:///{unfinished}")
        # All of it in the one file, whatever the journal.
        with closing(sqlite3.connect(unfinished)) as connection:
            connection.execute("PRAGMA wal_checkpoint(TRUNCATE)")
        unfinished.replace(path)
    return path


def migrated_database_copy(path: Path) -> None:
    """Copy the file to `path`."""
    shutil.copyfile(migrated_database_file(), path)


def migrated_database_load(connection: sqlite3.Connection) -> None:
    """Fill an empty database, one in memory for example."""
    with closing(sqlite3.connect(migrated_database_file())) as source:
        source.backup(connection)


def _migrations_digest() -> str:
    digest = hashlib.sha256(django.get_version().encode())
    libraries = [Path(spec.origin or "").parent for spec in [find_spec("allauth")] if spec]
    for folder in (ROOT / "freddy_admin", *libraries):
        for file in sorted([*folder.rglob("migrations/*.py"), *folder.rglob("view_change*.py")]):
            digest.update(file.relative_to(folder).as_posix().encode() + file.read_bytes())
    return digest.hexdigest()[:16]


def database_migrate(database_url: str) -> None:
    """Run `manage.py migrate` on this database, which says nothing."""
    environment = {
        "PATH": os.environ["PATH"],
        "ENV_FILE": os.devnull,
        "DATABASE_URL": database_url,
        "SECRET_KEY": secrets.token_hex(32),
        "DEBUG": "true",
    }
    result = subprocess.run(
        [sys.executable, "manage.py", "migrate", "--verbosity", "0"],
        cwd=ROOT,
        env=environment,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        timeout=300,
        check=False,
    )
    assert (result.returncode, result.stdout) == (0, ""), result.stdout
