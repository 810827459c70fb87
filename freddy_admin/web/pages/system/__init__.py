"""How the panel itself runs."""
