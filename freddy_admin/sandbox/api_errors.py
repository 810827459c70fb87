"""The errors of the sandbox, with the codes of the API page."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class SandboxApiError:
    """An error in the API's own envelope."""

    status: int
    code: str
    type: str
    message: str
    system_message: str


NO_KEY = SandboxApiError(
    401,
    "AUTHENTICATION_REQUIRED",
    "authentication_error",
    "Authentication required. Please provide a valid API key.",
    "Missing or invalid authorization header",
)
INVALID_KEY = SandboxApiError(
    401,
    "INVALID_API_KEY",
    "authentication_error",
    "The API key is not valid.",
    "API key not found",
)
EXPIRED_KEY = SandboxApiError(
    401,
    "API_KEY_EXPIRED",
    "authentication_error",
    "This API key has expired.",
    "API key is past its expiry date",
)
PAUSED_KEY = SandboxApiError(
    401,
    "API_KEY_PAUSED",
    "authentication_error",
    "This API key is paused.",
    "API key status is paused",
)
DEACTIVATED_KEY = SandboxApiError(
    401,
    "API_KEY_DEACTIVATED",
    "authentication_error",
    "This API key has been deactivated.",
    "API key status is deactivated",
)
NOT_PERMITTED = SandboxApiError(
    403,
    "INSUFFICIENT_PERMISSIONS",
    "authorization_error",
    "You do not have permission to access this resource.",
    "Insufficient permissions for this operation",
)
OTHER_ORGANISATION = SandboxApiError(
    403,
    "ORGANIZATION_ACCESS_DENIED",
    "authorization_error",
    "You do not have access to this organization.",
    "API key belongs to another organization",
)
NOT_FOUND = SandboxApiError(
    404,
    "RESOURCE_NOT_FOUND",
    "not_found_error",
    "The requested resource was not found.",
    "No route matches the path",
)
UNKNOWN_TOOL = SandboxApiError(
    404,
    "RESOURCE_NOT_FOUND",
    "not_found_error",
    "The requested tool was not found.",
    "Tool key not found",
)
METHOD_NOT_ALLOWED = SandboxApiError(
    405,
    "METHOD_NOT_ALLOWED",
    "invalid_request_error",
    "This method is not allowed here.",
    "Method not allowed for the path",
)
SYNC_RUNNING = SandboxApiError(
    409,
    "CONFLICT",
    "conflict_error",
    "A connector sync is already running.",
    "Sync job already in progress",
)
INVALID_INPUT = SandboxApiError(
    422,
    "VALIDATION_ERROR",
    "validation_error",
    "Some values in the request are not valid.",
    "Request validation failed",
)
TOO_MANY_REQUESTS = SandboxApiError(
    429,
    "RATE_LIMIT_EXCEEDED",
    "rate_limit_error",
    "Too many requests. Please try again later.",
    "Rate limit exceeded for the organization",
)
SPENDING_LIMIT = SandboxApiError(
    429,
    "RATE_LIMIT_EXCEEDED",
    "rate_limit_error",
    "Your organization has reached its spending limit.",
    "Organization spending limit reached",
)
UNAVAILABLE = SandboxApiError(
    503,
    "SERVICE_UNAVAILABLE",
    "api_error",
    "The service is temporarily unavailable.",
    "Upstream dependency unavailable",
)
