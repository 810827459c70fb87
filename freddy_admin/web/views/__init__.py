"""One module per kind of page; each view stands behind a decorator of `access`."""
