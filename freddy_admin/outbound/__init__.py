"""The one way out over HTTP: plain Python, knows no room."""
