"""Projectors that die, freeze, join and leave, or own the same partitions, under load."""

import asyncio
import random

from chaos.load import under_load
from chaos.projectors import SESSION_TIMEOUT_MS, Deployment, refused
from support.waiting import until

KILLS = 20


async def test_projectors_killed_at_random_moments_leave_no_difference(
    deployment: Deployment,
) -> None:
    dice = random.Random(1)
    running = [deployment.projector(f"first-{number}") for number in range(2)]
    for one in running:
        await one.ready()
    async with under_load(deployment.topic.bootstrap, deployment.topic.events, seed=1) as load:
        for kill in range(KILLS):
            victim = dice.randrange(2)
            if kill % 4:  # otherwise at any moment, also while it starts or joins
                await until(running[victim].owned, within_s=30.0, every_s=0.1)
            await asyncio.sleep(dice.uniform(0.0, 2.0))  # a random moment, as the fault is
            running[victim].child.kill()
            running[victim] = deployment.projector(f"{kill}-{victim}")
    assert load.rate >= 2_000
    await deployment.check("kill -9 of a projector", load.events, faults=KILLS, rate=load.rate)


async def test_projectors_that_join_and_leave_leave_no_difference(deployment: Deployment) -> None:
    await deployment.projector("stays").ready()
    moves = 0
    async with under_load(deployment.topic.bootstrap, deployment.topic.events, seed=2) as load:
        for turn in range(4):
            guest = deployment.projector(f"guest-{turn}")
            await until(guest.owned, within_s=30.0, every_s=0.1)
            other = deployment.projector(f"other-{turn}")
            await until(other.owned, within_s=30.0, every_s=0.1)
            await guest.child.stop()
            await other.child.stop()
            moves += 4
    assert load.rate >= 2_000
    await deployment.check("a projector joins or leaves", load.events, faults=moves, rate=load.rate)


async def test_frozen_projector_is_refused_when_it_wakes_up(deployment: Deployment) -> None:
    zombie = deployment.projector("zombie")
    await zombie.ready()
    heir = deployment.projector("heir")
    await until(heir.owned, within_s=30.0, every_s=0.1)
    times = 3
    async with under_load(deployment.topic.bootstrap, deployment.topic.events, seed=3) as load:
        for time in range(times):
            await until(zombie.owned, within_s=60.0, every_s=0.1)
            before = len(refused(zombie.log))
            zombie.freeze()
            await asyncio.sleep(1.5 * SESSION_TIMEOUT_MS / 1000)

            async def has_taken_over() -> bool:
                return await heir.owned() == deployment.topic.partitions

            await until(has_taken_over, within_s=60.0, every_s=0.1)
            zombie.thaw()

            def was_refused(before: int = before) -> bool:
                return len(refused(zombie.log)) > before

            assert await until(was_refused, within_s=30.0), f"time {time}"
    assert load.rate >= 2_000
    await deployment.check(
        "SIGSTOP of a projector past its session, then SIGCONT",
        load.events,
        faults=times,
        rate=load.rate,
    )


async def test_two_owners_of_the_same_partitions_leave_no_difference(
    deployment: Deployment,
) -> None:
    one = deployment.projector("one", OBZVON_GROUP_ID="one")
    other = deployment.projector("other", OBZVON_GROUP_ID="other")
    await asyncio.gather(
        until(one.owned, within_s=30.0, every_s=0.1),
        until(other.owned, within_s=30.0, every_s=0.1),
    )
    async with under_load(deployment.topic.bootstrap, deployment.topic.events, seed=4) as load:
        await asyncio.sleep(20.0)
    refusals = len(refused(one.log)) + len(refused(other.log))
    assert refusals > 0, "they never met"
    assert load.rate >= 2_000
    one.child.kill()
    await deployment.check(
        "two projectors given the same partitions by hand (refused)",
        load.events,
        faults=refusals,
        rate=load.rate,
    )
