"""Where settings come from: the environment, a `.env` file, or a file named by `NAME_FILE`."""

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
