"""`manage.py up` with PostgreSQL and Redis: a Celery worker with beat beside the web processes."""

import os
from datetime import timedelta
from pathlib import Path

import pytest
from django.db import connection
from django.utils import timezone

from labeling.models import Assignment, Seat
from labeling.services.claiming import claim_seat
from tests.factories import output_body, route
from tests.operations.installation import Installation, wait_until
from tests.people import make_cast


@pytest.mark.django_db(transaction=True)
def test_a_celery_worker_does_the_background_work_and_all_of_it_stops(tmp_path: Path, redis_url: str) -> None:
    then = timezone.now() - timedelta(hours=1)
    cast = make_cast()
    route(cast.project, output_body(), now=then)
    abandoned = claim_seat(reviewer=cast.reviewers[0], now=then)
    assert abandoned is not None

    # The database of the tests, not the one they were made beside.
    before, _slash, _name = os.environ["DATABASE_URL"].partition("?")[0].rpartition("/")
    address = f"{before}/{connection.settings_dict['NAME']}"
    with Installation(tmp_path, {"DATABASE_URL": address, "REDIS_URL": redis_url}).up() as running:
        assert '"broker": "ok"' in running.get("/readyz")[2]
        # Web and background are processes of their own.
        assert len(running.children) == 2
        wait_until(lambda: Seat.objects.get(pk=abandoned.seat_id).state == "open", 60, running.said)
        assert Assignment.objects.get(pk=abandoned.pk).state == "expired"
        assert running.stop() == 0
        wait_until(lambda: not running.has_processes, 10)
        assert "Traceback" not in running.said()
