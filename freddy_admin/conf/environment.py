"""Where settings come from: the environment, a `.env` file, or a file named by `NAME_FILE`."""

from pathlib import Path

from django.core.exceptions import ImproperlyConfigured
from environ import FileAwareEnv
from environ.fileaware_mapping import FileAwareMapping


class EnvironmentMapping(FileAwareMapping):  # type: ignore[misc]
    """The environment; a value from a file comes without the newline at its end."""

    def __init__(self) -> None:
        super().__init__(cache=False)

    def __getitem__(self, key: str) -> str:
        """The stripped value; raises KeyError, or ImproperlyConfigured for an unreadable file."""
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

    ENVIRON = EnvironmentMapping()

    def __init__(self) -> None:
        super().__init__()
        self.escape_proxy = True

    def read_env_file(self, env_file: str, *, default_file: Path) -> None:
        """Read the file that ENV_FILE names, or `default_file` if it exists.

        Raises ImproperlyConfigured for one that is named and missing, or not readable by this
        user: without its values the next message would be about something else.
        """
        path = Path(env_file or default_file)
        try:
            path.open().close()
        except OSError as error:
            if isinstance(error, FileNotFoundError) and not env_file:
                return
            setting = "ENV_FILE names" if env_file else "The settings are in"
            raise ImproperlyConfigured(
                f"{setting} {path}, which cannot be read: {error.strerror}."
            ) from None
        self.read_env(str(path))
