"""Makes `.venv` and installs what a command needs; quick when it is there already.

`python3 freddy_admin/ops/set_up.py runtime|dev`, run by `make` with the machine's own Python. The
syntax is that of Python 3.6, so that one that is too old prints a sentence instead of an error.
"""

import hashlib
import shutil
import subprocess
import sys
from contextlib import suppress
from pathlib import Path

OLDEST = (3, 11)
BASE_DIR = Path(__file__).resolve().parent.parent.parent
VENV = BASE_DIR / ".venv"
FILES = {"runtime": "requirements.txt", "dev": "requirements/dev.txt"}


def main(kind: str) -> int:
    """Install the runtime (or runtime and development) libraries unless that was done before."""
    here = sys.version_info[:2]
    if here < OLDEST:
        return _refuse(
            f"Freddy Admin needs Python 3.11 or newer; this is {here[0]}.{here[1]}. "
            "Name a newer one: make PYTHON=python3.12 demo"
        )
    mark, stamp = _mark(kind), VENV / f".{kind}-installed"
    if stamp.exists() and stamp.read_text() == mark and _python().exists():
        return 0
    try:
        _install(kind)
    except (OSError, subprocess.CalledProcessError):
        return _refuse(
            "The libraries could not be installed; the lines above say why. If Python has no "
            "venv or pip, install them first (Debian and Ubuntu: apt-get install python3-venv)."
        )
    # The development file holds the runtime one's pins, so it settles both.
    for settled in {"runtime", kind}:
        (VENV / f".{settled}-installed").write_text(_mark(settled))
    return 0


def _install(kind: str) -> None:
    if not _venv_works():
        print("Making a virtual environment in .venv …", file=sys.stderr)
        shutil.rmtree(str(VENV), ignore_errors=True)
        _run(sys.executable, "-m", "venv", str(VENV))
    print(f"Installing {FILES[kind]}, each file checked by its hash …", file=sys.stderr)
    pip = (str(_python()), "-m", "pip", "--disable-pip-version-check", "install", "--quiet")
    # The files name every library there is to install. Left to look for more, an old pip takes the
    # newest release of one that another asks for with an extra, and then refuses it.
    _run(*pip, "--require-hashes", "--no-deps", "-r", str(BASE_DIR / FILES[kind]))


def _venv_works() -> bool:
    # A venv outlives the Python it was made with, and one that was cut short has no pip.
    if not _python().exists():
        return False
    probe = f"import pip, sys; sys.exit(sys.version_info[:2] != {sys.version_info[:2]!r})"
    with suppress(subprocess.CalledProcessError):
        _run(str(_python()), "-c", probe, stderr=subprocess.DEVNULL)
        return True
    return False


def _run(*command: str, stderr: int | None = None) -> None:
    subprocess.run(command, check=True, stderr=stderr)  # noqa: S603  our own commands


def _python() -> Path:
    return VENV / "bin" / "python"


def _mark(kind: str) -> str:
    digest = hashlib.sha256((BASE_DIR / FILES[kind]).read_bytes()).hexdigest()
    return f"{sys.version_info[0]}.{sys.version_info[1]} {digest}"


def _refuse(sentence: str) -> int:
    print(sentence, file=sys.stderr)
    return 1


if __name__ == "__main__":
    sys.exit(main(sys.argv[1] if sys.argv[1:] else "runtime"))
