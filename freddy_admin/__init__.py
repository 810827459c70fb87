"""The Django project: settings, root URLs, WSGI application, and its apps, called rooms."""
