"""A file of settings is read line by line, or stops the start without showing what it holds."""

import os
import subprocess
import sys
from pathlib import Path

import pytest
from django.conf import settings
from django.core.exceptions import ImproperlyConfigured

from freddy_admin.conf.environment import parse_env_file
from tests.conf.test_setting_parsers import EnvironmentFromValues

SECRET = "hush-planted-0123456789-abcdefghijklm"

# Each is the second line of its file.
BROKEN_LINES = {
    "blanks around the equals sign": f"SECRET_KEY = {SECRET}",
    "a blank before the equals sign": f"SECRET_KEY ={SECRET}",
    "a leading blank": f" SECRET_KEY={SECRET}",
    "a leading tab": f"\tSECRET_KEY={SECRET}",
    "a leading no-break space": f"\u00a0SECRET_KEY={SECRET}",
    "a colon": f"SECRET_KEY: {SECRET}",
    "a colon without a blank": f"SECRET_KEY:{SECRET}",
    "a list of YAML": f"- SECRET_KEY={SECRET}",
    "the set of Windows": f"set SECRET_KEY={SECRET}",
    "a PowerShell variable": f'$env:SECRET_KEY="{SECRET}"',
    "a quoted name": f'"SECRET_KEY"={SECRET}',
    "no name": f"={SECRET}",
    "no equals sign": SECRET,
    "a name with a hyphen": f"SECRET-KEY={SECRET}",
    "a name that begins with a digit": f"1SECRET={SECRET}",
    "a comment of another kind": f"; SECRET_KEY={SECRET}",
    "a quote that is not closed": f'SECRET_KEY="{SECRET}',
    "a quote that is not opened": f"SECRET_KEY={SECRET}'",
    "two kinds of quotes": f"SECRET_KEY='{SECRET}\"",
    "one quote alone": f"SECRET_KEY='\n{SECRET}='",
    "something behind the quotes": f'SECRET_KEY="{SECRET}" # the key',
    "a NUL": f"SECRET_KEY={SECRET}\0x",
    "an escape character": f"SECRET_KEY=\x1b[31m{SECRET}",
    "a zero-width character in front": f"\u200bSECRET_KEY={SECRET}",
    "a mark of a merge": f"<<<<<<< {SECRET}",
}
BROKEN_FILES = {
    **{name: f"DEBUG=false\n{line}\n".encode() for name, line in BROKEN_LINES.items()},
    "Latin-1": f"DEBUG=false\nSECRET_KEY={SECRET}ü\n".encode("latin-1"),
    "Latin-1 in a comment": f"DEBUG=false\n# für\nSECRET_KEY={SECRET}\n".encode("latin-1"),
}


@pytest.mark.parametrize("form", BROKEN_FILES)
def test_a_broken_line_is_refused_by_its_number_and_never_shown(form: str, tmp_path: Path) -> None:
    file = tmp_path / "env"
    file.write_bytes(BROKEN_FILES[form])

    with pytest.raises(ImproperlyConfigured, match="in line 2: ") as raised:
        EnvironmentFromValues().read_env_file(str(file), default_file=file)

    sentence = str(raised.value)
    assert str(file) in sentence
    assert "hush" not in sentence
    assert "SECRET_KEY" not in sentence
    assert raised.value.__cause__ is None
    assert raised.value.__suppress_context__


@pytest.mark.parametrize("encoding", ["utf-16", "utf-16-be"])
def test_utf_16_is_refused_by_its_name(encoding: str) -> None:
    data = b"\xfe\xff" * (encoding == "utf-16-be") + f"SECRET_KEY={SECRET}\n".encode(encoding)

    with pytest.raises(ValueError, match="is UTF-16, not UTF-8: save it as UTF-8"):
        parse_env_file(data)


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("NAME=value", "value"),
        ("NAME=", ""),
        ("export NAME=value", "value"),
        ("\ufeffNAME=value", "value"),
        ("NAME=value\r\nOTHER=x", "value"),
        ("NAME=value\rOTHER=x", "value"),
        ("NAME= value  ", "value"),
        ("NAME='value'", "value"),
        ('NAME="value"', "value"),
        ("NAME=  'value' ", "value"),
        ('NAME=" a b "', " a b "),
        (r'NAME="a\"b\n"', r'a"b\n'),
        ("NAME='a\"b'", 'a"b'),
        ("NAME=a'b", "a'b"),
        ("NAME=a # b; c=d", "a # b; c=d"),
        ("NAME=$a\\", "$a\\"),
        ("NAME=a\u2028b\u0085c", "a\u2028b\u0085c"),
        ("NAME=first\nNAME=second", "second"),
        ("\n  \n# NAME=x\n  # NAME=y\n\t\nNAME=value", "value"),
    ],
)
def test_a_readable_line_gives_its_value(text: str, value: str) -> None:
    assert parse_env_file(text.encode())["NAME"] == value


def test_the_environment_wins_over_the_file(tmp_path: Path) -> None:
    file = tmp_path / "env"
    file.write_text("NAME=of the file\nOTHER=of the file\n")
    env = EnvironmentFromValues(NAME="of the environment")
    env.read_env_file(str(file), default_file=file)

    assert (env.str("NAME"), env.str("OTHER")) == ("of the environment", "of the file")


@pytest.mark.parametrize("value", ["a\0b", "a\udcffb"])
def test_a_setting_that_is_no_text_is_refused_by_its_name(value: str) -> None:
    with pytest.raises(ImproperlyConfigured, match="PLANTED holds something") as raised:
        EnvironmentFromValues(PLANTED=value).str("PLANTED")

    assert value not in str(raised.value)


def test_a_setting_file_of_its_own_may_begin_with_a_byte_order_mark(tmp_path: Path) -> None:
    (tmp_path / "secret").write_text("\ufeffvalue\n")

    env = EnvironmentFromValues(PLANTED_FILE=str(tmp_path / "secret"))
    assert env.str("PLANTED") == "value"


def test_the_example_file_and_the_file_of_a_first_start_are_readable() -> None:
    from freddy_admin.ops.env_file import env_file_text

    example = (Path(settings.BASE_DIR) / ".env.example").read_bytes()
    assert parse_env_file(example)["DEBUG"] == "false"
    assert parse_env_file(env_file_text().encode())["PLAIN_HTTP"] == "true"


PROCESSES = {
    "check": [sys.executable, "manage.py", "check"],
    "run_worker": [sys.executable, "manage.py", "run_worker"],
    "gunicorn": [
        *(sys.executable, "-m", "gunicorn", "--config", "gunicorn.conf.py"),
        *("--workers", "1", "--bind", "127.0.0.1:0", "freddy_admin.wsgi:application"),
    ],
}


@pytest.mark.parametrize("process", PROCESSES)
def test_every_process_stops_at_a_broken_file_and_shows_nothing_of_it(
    process: str, tmp_path: Path
) -> None:
    file = tmp_path / "env"
    file.write_text(f"DEBUG=false\nSECRET_KEY = {SECRET}\nEMAIL_URL: smtp://u:{SECRET}@h\n")
    result = subprocess.run(
        PROCESSES[process],
        cwd=settings.BASE_DIR,
        env={"PATH": os.environ["PATH"], "ENV_FILE": str(file)},
        capture_output=True,
        text=True,
        timeout=300,
        check=False,
    )

    assert result.returncode in {1, 3}
    assert "Freddy Admin cannot start. The file of settings" in result.stderr
    assert "in line 2: it is not NAME=value" in result.stderr
    assert "hush" not in result.stdout + result.stderr
