"""The errors of the sandbox, with the codes of the API page."""

from dataclasses import dataclass

_TYPES = {
    401: "authentication_error",
    403: "authorization_error",
    404: "not_found_error",
    405: "invalid_request_error",
    409: "conflict_error",
    422: "validation_error",
    429: "rate_limit_error",
    503: "api_error",
}


@dataclass(frozen=True, slots=True)
class SandboxApiError:
    """An error in the API's own envelope."""

    status: int
    code: str
    message: str
    system_message: str

    @property
    def type(self) -> str:
        """The API's name for all errors of this status."""
        return _TYPES[self.status]


NO_KEY = SandboxApiError(
    401,
    "AUTHENTICATION_REQUIRED",
    "Authentication required. Please provide a valid API key.",
    "Missing or invalid authorization header",
)
INVALID_KEY = SandboxApiError(
    401, "INVALID_API_KEY", "The API key is not valid.", "API key not found"
)
EXPIRED_KEY = SandboxApiError(
    401, "API_KEY_EXPIRED", "This API key has expired.", "API key is past its expiry date"
)
PAUSED_KEY = SandboxApiError(
    401, "API_KEY_PAUSED", "This API key is paused.", "API key status is paused"
)
DEACTIVATED_KEY = SandboxApiError(
    401,
    "API_KEY_DEACTIVATED",
    "This API key has been deactivated.",
    "API key status is deactivated",
)
NOT_PERMITTED = SandboxApiError(
    403,
    "INSUFFICIENT_PERMISSIONS",
    "You do not have permission to access this resource.",
    "Insufficient permissions for this operation",
)
OTHER_ORGANISATION = SandboxApiError(
    403,
    "ORGANIZATION_ACCESS_DENIED",
    "You do not have access to this organization.",
    "API key belongs to another organization",
)
NOT_FOUND = SandboxApiError(
    404, "RESOURCE_NOT_FOUND", "The requested resource was not found.", "No route matches the path"
)
UNKNOWN_TOOL = SandboxApiError(
    404, "RESOURCE_NOT_FOUND", "The requested tool was not found.", "Tool key not found"
)
METHOD_NOT_ALLOWED = SandboxApiError(
    405, "METHOD_NOT_ALLOWED", "This method is not allowed here.", "Method not allowed for the path"
)
SYNC_RUNNING = SandboxApiError(
    409, "CONFLICT", "A connector sync is already running.", "Sync job already in progress"
)
INVALID_INPUT = SandboxApiError(
    422,
    "VALIDATION_ERROR",
    "Some values in the request are not valid.",
    "Request validation failed",
)
TOO_MANY_REQUESTS = SandboxApiError(
    429,
    "RATE_LIMIT_EXCEEDED",
    "Too many requests. Please try again later.",
    "Rate limit exceeded for the organization",
)
SPENDING_LIMIT = SandboxApiError(
    429,
    "RATE_LIMIT_EXCEEDED",
    "Your organization has reached its spending limit.",
    "Organization spending limit reached",
)
UNAVAILABLE = SandboxApiError(
    503,
    "SERVICE_UNAVAILABLE",
    "The service is temporarily unavailable.",
    "Upstream dependency unavailable",
)
