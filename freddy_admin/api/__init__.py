"""The panel's own JSON API, `/api/v1`, for programs with an API token."""
