"""Makes `.venv` and installs what a command needs; quick when it is there already.

`python3 freddy_admin/ops/venv_install.py runtime|dev`, run by `make` with the machine's own
Python. The syntax is that of Python 3.6, so that an older one prints a sentence, not an error.
"""

import hashlib
import shutil
import subprocess
import sys
from contextlib import suppress
from pathlib import Path

OLDEST_PYTHON = (3, 11)
BASE_DIR = Path(__file__).resolve().parent.parent.parent
VENV = BASE_DIR / ".venv"
REQUIREMENT_FILES = {"runtime": "requirements.txt", "dev": "requirements/dev.txt"}


def main(kind: str) -> int:
    """Install the runtime (or runtime and development) libraries unless that was done before."""
    version = sys.version_info[:2]
    if version < OLDEST_PYTHON:
        return _print_error(
            f"Freddy Admin needs Python 3.11 or newer; this is {version[0]}.{version[1]}. "
            "Name a newer one: make PYTHON=python3.12 demo"
        )
    digest, stamp_path = _requirements_digest(kind), VENV / f".{kind}-installed"
    if stamp_path.exists() and stamp_path.read_text() == digest and _venv_python().exists():
        return 0
    try:
        _install_requirements(kind)
    except (OSError, subprocess.CalledProcessError):
        return _print_error(
            "The libraries could not be installed; the lines above say why. If Python has no "
            "venv or pip, install them first (Debian and Ubuntu: apt-get install python3-venv)."
        )
    # The development file holds the runtime one's pins, so it settles both.
    for installed_kind in {"runtime", kind}:
        (VENV / f".{installed_kind}-installed").write_text(_requirements_digest(installed_kind))
    return 0


def _install_requirements(kind: str) -> None:
    if not _is_venv_usable():
        print("Making a virtual environment in .venv …", file=sys.stderr)
        shutil.rmtree(str(VENV), ignore_errors=True)
        _run_command(sys.executable, "-m", "venv", str(VENV))
    print(f"Installing {REQUIREMENT_FILES[kind]}, each file checked by its hash …", file=sys.stderr)
    pip = (str(_venv_python()), "-m", "pip", "--disable-pip-version-check", "install", "--quiet")
    # The files name every library there is to install. Left to look for more, an old pip takes the
    # newest release of one that another asks for with an extra, and then refuses it.
    _run_command(
        *pip, "--require-hashes", "--no-deps", "-r", str(BASE_DIR / REQUIREMENT_FILES[kind])
    )


def _is_venv_usable() -> bool:
    # A venv outlives the Python it was made with, and one that was cut short has no pip.
    if not _venv_python().exists():
        return False
    probe = f"import pip, sys; sys.exit(sys.version_info[:2] != {sys.version_info[:2]!r})"
    with suppress(subprocess.CalledProcessError):
        _run_command(str(_venv_python()), "-c", probe, stderr=subprocess.DEVNULL)
        return True
    return False


def _run_command(*command: str, stderr: int | None = None) -> None:
    subprocess.run(command, check=True, stderr=stderr)  # noqa: S603  our own commands


def _venv_python() -> Path:
    return VENV / "bin" / "python"


def _requirements_digest(kind: str) -> str:
    digest = hashlib.sha256((BASE_DIR / REQUIREMENT_FILES[kind]).read_bytes()).hexdigest()
    return f"{sys.version_info[0]}.{sys.version_info[1]} {digest}"


def _print_error(sentence: str) -> int:
    print(sentence, file=sys.stderr)
    return 1


if __name__ == "__main__":
    sys.exit(main(sys.argv[1] if sys.argv[1:] else "runtime"))
