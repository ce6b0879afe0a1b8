"""The WSGI entry point."""

import os

from django.core.wsgi import get_wsgi_application

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "reviewapp.settings")
application = get_wsgi_application()

# Set by `manage.py up` where no broker is configured: this one process does the background work too.
if os.environ.get("REVIEWAPP_EMBEDDED_WORKER") == "1":
    from reviewapp.celery import start_embedded

    start_embedded()
