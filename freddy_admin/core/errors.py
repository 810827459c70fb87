"""Errors of what people asked for, each with a public sentence that says what to do next."""


class PublicError(Exception):
    """An error whose text may be shown to anyone who caused it; `field` names a form field."""

    reference = "E000"
    http_status = 400

    def __init__(self, message: str, *, field: str | None = None) -> None:
        super().__init__(message)
        self.message = message
        self.field = field

    @property
    def headers(self) -> dict[str, str]:
        """The HTTP headers that the response carries beside the sentence."""
        return {}


class InvalidInput(PublicError):
    """A value that cannot be accepted; `field` says which one."""

    reference = "E001"


class NotFound(PublicError):
    """The thing does not exist, or the person may not see it: the two are never distinguished."""

    reference = "E002"
    http_status = 404


class NotAllowed(PublicError):
    """The person may see the thing, but their role does not allow this change."""

    reference = "E003"
    http_status = 403


class Conflict(PublicError):
    """The thing was changed meanwhile, so the person has to decide again."""

    reference = "E004"
    http_status = 409
