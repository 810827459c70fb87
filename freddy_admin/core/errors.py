"""What people did that cannot be done, each with a public sentence that says what to do next."""


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
        """What the answer says in its head beside the sentence."""
        return {}


class InvalidInput(PublicError):
    """A value that cannot be accepted; `field` says which one."""

    reference = "E001"


class NotFound(PublicError):
    """Not there, or not yours: the two are never told apart."""

    reference = "E002"
    http_status = 404


class NotAllowed(PublicError):
    """Yours to see, but your role does not allow this."""

    reference = "E003"
    http_status = 403


class Conflict(PublicError):
    """Somebody or something else was faster; look again and decide anew."""

    reference = "E004"
    http_status = 409
