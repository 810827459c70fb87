"""Where settings come from: the environment, a `.env` file, or a file named by `NAME_FILE`.

No message shows anything of what a file holds: a line that cannot be read may hold a secret.
"""

import codecs
import re
from pathlib import Path
from typing import Final

from django.core.exceptions import ImproperlyConfigured
from environ import FileAwareEnv
from environ.fileaware_mapping import FileAwareMapping

_LINE_PATTERN: Final = re.compile(r"(?:export[ \t]+)?([A-Za-z_][A-Za-z0-9_]*)=(.*)", re.DOTALL)
_CONTROL_CHARACTERS: Final = re.compile(r"[\x00-\x08\x0b-\x1f\x7f]")
_ESCAPED_CHARACTER: Final = re.compile(r"\\(.)")


class EnvironmentMapping(FileAwareMapping):  # type: ignore[misc]
    """The environment; a value from a file comes without the newline at its end."""

    def __init__(self) -> None:
        super().__init__(cache=False)

    def __getitem__(self, key: str) -> str:
        """The stripped value; raises KeyError, or ImproperlyConfigured for an unreadable file."""
        try:
            value = str(super().__getitem__(key)).removeprefix("\ufeff").strip()
        except (OSError, UnicodeDecodeError):
            raise ImproperlyConfigured(
                f"{key}_FILE names a file that cannot be read as text."
            ) from None
        # Bytes of the environment that are not UTF-8 come as halves of surrogate pairs.
        if re.search("[\0\ud800-\udfff]", value):
            raise ImproperlyConfigured(f"{key} holds something that is no text in UTF-8.")
        # `$NAME` would stand for another variable, which no secret that begins so could mean.
        return value.replace("$", r"\$")


class Environment(FileAwareEnv):  # type: ignore[misc]
    """django-environ, with values taken as they stand."""

    ENVIRON = EnvironmentMapping()

    def __init__(self) -> None:
        super().__init__()
        self.escape_proxy = True

    def read_env_file(self, env_file: str, *, default_file: Path) -> None:
        """Read the file that ENV_FILE names, or `default_file` if it exists; the environment wins.

        Raises ImproperlyConfigured for one that is named and missing, not readable by this user,
        or not readable line by line: without its values the panel would start with defaults.
        """
        path = Path(env_file or default_file)
        try:
            data = path.read_bytes()
        except OSError as error:
            if isinstance(error, FileNotFoundError) and not env_file:
                return
            setting = "ENV_FILE names" if env_file else "The settings are in"
            raise ImproperlyConfigured(
                f"{setting} {path}, which cannot be read: {error.strerror}."
            ) from None
        try:
            values = parse_env_file(data)
        except ValueError as problem:
            raise ImproperlyConfigured(f"The file of settings {path} {problem}") from None
        for name, value in values.items():
            self.ENVIRON.setdefault(name, value)


def parse_env_file(data: bytes) -> dict[str, str]:
    """The values of a file of settings by name; of a name that stands there twice, the last one.

    A line is `NAME=value` (with `export` in front or not), blank, or a comment that begins with
    `#`. A value goes to the end of its line, `#` and blanks inside included; quotes around all of
    it are taken off. UTF-8, with or without a byte order mark; any kind of line end. Raises
    ValueError with the end of a sentence: the number of the line and what to do, never its text.
    """
    values = {}
    lines = re.split(r"\r\n|\n|\r", _decode_env_file(data))
    for number, line in enumerate(lines, start=1):
        text = line.rstrip()
        if not text or text.lstrip().startswith("#"):
            continue
        try:
            name, value = _parse_line(text)
        except ValueError as problem:
            raise ValueError(f"cannot be read in line {number}: {problem}") from None
        values[name] = value
    return values


def _decode_env_file(data: bytes) -> str:
    if data.startswith((codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)):
        raise ValueError("is UTF-16, not UTF-8: save it as UTF-8.")
    try:
        return data.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        number = len(re.split(rb"\r\n|\n|\r", data[: error.start]))
    raise ValueError(f"is not UTF-8 in line {number}: save it as UTF-8.")


def _parse_line(line: str) -> tuple[str, str]:
    if _CONTROL_CHARACTERS.search(line):
        raise ValueError("it holds a character that no text has, such as NUL. Type it anew.")
    if line[0].isspace():
        raise ValueError("it begins with a blank. Take the blank away.")
    match = _LINE_PATTERN.fullmatch(line)
    if match is None:
        raise ValueError(
            "it is not NAME=value. Write the name, an equals sign without blanks before it, and "
            "the value; a comment begins with #."
        )
    name, value = match[1], match[2].strip()
    first, last = value[:1], value[-1:]
    if first not in {"'", '"'} and last not in {"'", '"'}:
        return name, value
    if len(value) < 2 or first != last:
        raise ValueError(
            "a quote is missing. Put quotes around the whole value, with nothing behind them; "
            "where a quote is a part of the value itself, use the other kind around it."
        )
    inner = value[1:-1]
    if first == "'":
        return name, inner
    return name, _ESCAPED_CHARACTER.sub(_unescape, inner)


def _unescape(match: re.Match[str]) -> str:
    # As django-environ does: these three stay as they are written.
    return match[0] if match[1] in "rnt" else match[1]
