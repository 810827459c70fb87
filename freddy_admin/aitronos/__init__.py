"""The client of the Aitronos API: routes, types, typed errors, limits. Plain Python, no Django."""
