"""What can be done in the panel, by the name of its route, and what is written down of it."""
