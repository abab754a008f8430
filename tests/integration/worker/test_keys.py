"""Which key the next attempt is made with, as soon as one has been refused."""

from __future__ import annotations

from shared.catalog.model import Catalog
from shared.mongo import Database
from shared.providers.base import Failed
from shared.providers.errors import ErrorClass
from shared.route_health import RouteHealth
from tests.integration.conftest import Eventually
from tests.integration.worker.conftest import Hire
from tests.integration.worker.rig import dispatched
from tests.unit.building import NOON, StillClock, attempt
from tests.unit.worker.providers import Scripted, done
from tests.unit.worker.storage import png

REFUSED = Failed(ErrorClass.CREDENTIAL, "no such key")


async def test_a_key_that_another_worker_has_just_seen_refused_is_not_tried_again(
    hire: Hire, database: Database, clock: StillClock, eventually: Eventually
) -> None:
    rig = hire(Scripted(submits=[done(png()), done(png())]), key_ids=("fal-1", "fal-2"))
    (earlier,) = await rig.take(dispatched())
    await eventually(lambda: rig.idle)
    assert (await rig.read(earlier)).attempt.key_id == "fal-1"

    # It would be the second key's turn here, and what this worker knows is less than a second old.
    first = attempt(key_id="fal-2", error_class=ErrorClass.CREDENTIAL, ended_at=NOON)
    elsewhere = RouteHealth(database, clock, Catalog(providers={}, models={}))
    await elsewhere.failed("gen_2", first, REFUSED)
    (task,) = await rig.take(dispatched(attempts=(first, attempt(number=2))))
    await eventually(lambda: rig.idle)

    assert (await rig.read(task)).attempt.key_id == "fal-1"
