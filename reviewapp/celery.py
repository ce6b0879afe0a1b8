"""The Celery application, and its embedded form: worker and beat as threads of the web process."""

import atexit
import os
import threading
import warnings

from celery import Celery
from celery.platforms import SecurityWarning

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "reviewapp.settings")

app = Celery("reviewapp")
app.config_from_object("django.conf:settings", namespace="CELERY")
app.autodiscover_tasks()


def start_embedded() -> None:
    """Run a real worker and beat in this process, for installations without a broker.

    Messages live in memory and die with the process; nothing is lost, because every task is a sweep
    over rows and the next one finds the work.
    """
    # Root or not, this worker reads nothing but the messages of its own process.
    warnings.filterwarnings("ignore", category=SecurityWarning)
    worker = app.Worker(
        pool="threads", concurrency=2, loglevel="WARNING", quiet=True, without_heartbeat=True, without_gossip=True
    )
    threading.Thread(target=worker.start, name="celery-worker", daemon=True).start()
    beat = app.Beat(loglevel="WARNING", scheduler="celery.beat:Scheduler")
    service = beat.Service(app=app, max_interval=5, scheduler_cls="celery.beat:Scheduler")
    threading.Thread(target=service.start, kwargs={"embedded_process": False}, name="celery-beat", daemon=True).start()

    def stop() -> None:
        service.stop()
        worker.stop()

    atexit.register(stop)
