"""One organisation."""
