"""The errors the imitation knows, with the codes of the API page."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Refusal:
    """An error in the API's own envelope."""

    status: int
    code: str
    type: str
    message: str
    system_message: str


NO_KEY = Refusal(
    401,
    "AUTHENTICATION_REQUIRED",
    "authentication_error",
    "Authentication required. Please provide a valid API key.",
    "Missing or invalid authorization header",
)
INVALID_KEY = Refusal(
    401,
    "INVALID_API_KEY",
    "authentication_error",
    "The API key is not valid.",
    "API key not found",
)
EXPIRED_KEY = Refusal(
    401,
    "API_KEY_EXPIRED",
    "authentication_error",
    "This API key has expired.",
    "API key is past its expiry date",
)
PAUSED_KEY = Refusal(
    401,
    "API_KEY_PAUSED",
    "authentication_error",
    "This API key is paused.",
    "API key status is paused",
)
DEACTIVATED_KEY = Refusal(
    401,
    "API_KEY_DEACTIVATED",
    "authentication_error",
    "This API key has been deactivated.",
    "API key status is deactivated",
)
NOT_PERMITTED = Refusal(
    403,
    "INSUFFICIENT_PERMISSIONS",
    "authorization_error",
    "You do not have permission to access this resource.",
    "Insufficient permissions for this operation",
)
OTHER_ORGANISATION = Refusal(
    403,
    "ORGANIZATION_ACCESS_DENIED",
    "authorization_error",
    "You do not have access to this organization.",
    "API key belongs to another organization",
)
NOT_FOUND = Refusal(
    404,
    "RESOURCE_NOT_FOUND",
    "not_found_error",
    "The requested resource was not found.",
    "No route matches the path",
)
UNKNOWN_TOOL = Refusal(
    404,
    "RESOURCE_NOT_FOUND",
    "not_found_error",
    "The requested tool was not found.",
    "Tool key not found",
)
WRONG_METHOD = Refusal(
    405,
    "METHOD_NOT_ALLOWED",
    "invalid_request_error",
    "This method is not allowed here.",
    "Method not allowed for the path",
)
SYNC_RUNNING = Refusal(
    409,
    "CONFLICT",
    "conflict_error",
    "A connector sync is already running.",
    "Sync job already in progress",
)
INVALID_INPUT = Refusal(
    422,
    "VALIDATION_ERROR",
    "validation_error",
    "Some values in the request are not valid.",
    "Request validation failed",
)
TOO_MANY = Refusal(
    429,
    "RATE_LIMIT_EXCEEDED",
    "rate_limit_error",
    "Too many requests. Please try again later.",
    "Rate limit exceeded for the organization",
)
SPENDING_LIMIT = Refusal(
    429,
    "RATE_LIMIT_EXCEEDED",
    "rate_limit_error",
    "Your organization has reached its spending limit.",
    "Organization spending limit reached",
)
UNAVAILABLE = Refusal(
    503,
    "SERVICE_UNAVAILABLE",
    "api_error",
    "The service is temporarily unavailable.",
    "Upstream dependency unavailable",
)
