"""The people whom the development issuer's login page offers."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

from devkit.stack.issuer.tokens import Person


@dataclass(frozen=True)
class Account:
    """An entry of the login page: what it says of a person, and who logs in by it."""

    title: str
    """Their role, as the page shows it."""
    rights: str
    """What they may see."""
    person: Person


RESTRICTED_TO: Final = ("op-001", "op-002")
"""The operators of the restricted head; the simulator has them from two operators on."""

ACCOUNTS: Final[Mapping[str, Account]] = {
    "head": Account(
        "Руководитель",
        "видит всех операторов",
        Person("head", subject="dev-head", login="orlova", name="Орлова Татьяна"),
    ),
    "quality_control": Account(
        "Контроль качества",
        "видит всех операторов",
        Person(
            "quality_control",
            subject="dev-quality_control",
            login="belyaev",
            name="Беляев Константин",
        ),
    ),
    "restricted_head": Account(
        "Руководитель группы",
        f"видит только операторов {' и '.join(RESTRICTED_TO)}",
        Person(
            "head",
            subject="dev-restricted_head",
            login="galieva",
            name="Галиева Диана",
            operators=RESTRICTED_TO,
        ),
    ),
    "no_role": Account(
        "Без роли",
        "не видит отчёта",
        Person(None, subject="dev-no_role", login="titov", name="Титов Артём"),
    ),
}
"""By the name that the page's form sends."""
