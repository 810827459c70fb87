"""The way in: what the sign-in library is told to do our way, and what it reports."""
