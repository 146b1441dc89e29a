"""Folding a batch into a shard, in the order in which the shard has to be read for it."""

from collections.abc import Generator
from itertools import chain
from typing import NamedTuple

from pydantic_core import to_json

from projector.fold.change import Change, Fold
from projector.fold.facts import Fact
from projector.fold.needs import Answers, Needs
from projector.fold.projection import Projection
from projector.fold.task import facts_of


class Prepared(NamedTuple):
    """A folded batch, ready to be written."""

    change: Change
    full: list[tuple[str, Fact]]
    """(task id, fact) that the task had no room for."""


class Batch:
    """Facts, by task id, on their way into a projection.

    Read what `begin` asks for, hand the answers to `take`, read what that asks for, and so on,
    until one of them returns the batch `Prepared`. The projection then runs ahead of what is
    stored: write the change, or drop the projection.
    """

    def __init__(self, projection: Projection, facts: dict[str, list[Fact]]) -> None:
        self._projection = projection
        self._facts = facts
        self._steps = self._run()

    def begin(self) -> Needs | Prepared:
        """What is needed first."""
        return next(self._steps)

    def take(self, answers: Answers) -> Needs | Prepared:
        """Go on with the answers; what is needed next."""
        return self._steps.send(answers)

    def _run(self) -> Generator[Needs | Prepared, Answers, None]:
        projection, facts = self._projection, self._facts
        yield from self._know(
            Needs(
                tasks=projection.unknown_tasks(facts),
                names=projection.unknown_names(chain.from_iterable(facts.values())),
            )
        )
        fold = projection.fold(facts)
        addresses = {*fold.deliveries, *fold.lost_addresses}
        yield from self._know(
            Needs(
                dates=projection.unknown_dates(fold.dates()),
                deliveries=projection.unknown_deliveries(addresses),
            )
        )
        if fold.lost:
            yield from self._retract(fold)
        yield Prepared(projection.change(fold), fold.full)

    def _retract(self, fold: Fold) -> Generator[Needs | Prepared, Answers, None]:
        """Find again what only a replaced fact had given: a rare look at all documents.

        Tasks in memory are newer than their documents while a write is still under way.
        """
        projection = self._projection
        yield from self._know(Needs(names=projection.unknown_names(fold.lost)))
        names, addresses = projection.retractions(fold)
        if not names and not addresses:
            return
        needles = [to_json(one)[1:-1] for one in {named for _, named in names} | addresses]
        answers = yield Needs(documents_with=needles)
        others = [
            facts_of(answers.documents[task_id])
            for task_id in projection.unknown_tasks(answers.documents)
        ]
        projection.retract(fold, names, addresses, others)

    def _know(self, needs: Needs) -> Generator[Needs | Prepared, Answers, None]:
        if needs:
            self._projection.know((yield needs))
