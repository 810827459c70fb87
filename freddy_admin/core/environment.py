"""Where settings come from: the environment, a `.env` file, or a file named by `NAME_FILE`."""

from pathlib import Path

from django.core.exceptions import ImproperlyConfigured
from environ import FileAwareEnv
from environ.fileaware_mapping import FileAwareMapping


class Files(FileAwareMapping):  # type: ignore[misc]
    """The environment; a value from a file comes without the newline editors end it with."""

    def __init__(self) -> None:
        super().__init__(cache=False)

    def __getitem__(self, key: str) -> str:
        """The stripped value; raises KeyError, or ImproperlyConfigured for a file out of reach."""
        try:
            value = str(super().__getitem__(key)).strip()
        except (OSError, UnicodeDecodeError):
            raise ImproperlyConfigured(
                f"{key}_FILE names a file that cannot be read as text."
            ) from None
        # `$NAME` would stand for another variable, which no secret that begins so could mean.
        return value.replace("$", r"\$")


class Environment(FileAwareEnv):  # type: ignore[misc]
    """django-environ, with values taken as they stand."""

    ENVIRON = Files()

    def __init__(self) -> None:
        super().__init__()
        self.escape_proxy = True

    def read_file(self, named: str, *, otherwise: Path) -> None:
        """Take in the file that ENV_FILE names, or `otherwise` if it is there.

        One that is named and missing, or there and closed to this user, raises
        ImproperlyConfigured: without its values the next complaint would be about something else.
        """
        path = Path(named or otherwise)
        try:
            path.open().close()
        except OSError as error:
            if isinstance(error, FileNotFoundError) and not named:
                return
            setting = "ENV_FILE names" if named else "The settings are in"
            raise ImproperlyConfigured(
                f"{setting} {path}, which cannot be read: {error.strerror}."
            ) from None
        self.read_env(str(path))
