"""Invented people, companies and addresses: the same number always gives the same one.

They do not depend on a simulation's seed, so an operator or an address of one simulated day is the
same on the next.
"""

import tomllib
from functools import cache, lru_cache
from importlib.resources import files
from typing import Any, Final

from devkit.simulator.rng import Rng

ADDRESSES_IN_FIVE: Final = (0, 0, 0, 1, 2)
"""Of five addresses in a row three belong to one client, the others to one client each."""


@cache
def _words() -> dict[str, Any]:
    return tomllib.loads(files("devkit.simulator").joinpath("data/names.toml").read_text("utf-8"))


def feminine(surname: str) -> str:
    """Returns the feminine form of a surname; one that has none stays as it is."""
    if surname.endswith("ский"):
        return surname[:-2] + "ая"
    if surname.endswith(("ов", "ев", "ёв", "ин")):
        return surname + "а"
    return surname


@lru_cache(10_000)
def operator(number: int) -> dict[str, str]:
    """Returns the operator of this number, from 1; three of four are women."""
    return {"id": f"op-{number:03}", "name": _colleague("operator", number, women=0.75)}


@lru_cache(1_000)
def manager(number: int) -> dict[str, str]:
    """Returns the manager of this number, from 1."""
    return {"id": f"mgr-{number:02}", "name": _colleague("manager", number, women=0.5)}


@lru_cache(100_000)
def client(number: int) -> dict[str, str]:
    """Returns the client of this number, from 0; every third one is a company, the others are people."""
    rng = Rng(f"client {number}")
    name = _company(rng) if is_company(number) else _person(rng)
    return {"id": f"client-{number:06}", "name": name}


@lru_cache(100_000)
def address(number: int) -> dict[str, str]:
    """Returns the delivery address of this number, from 0; `client_of_address` says whose it is."""
    rng = Rng(f"address {number}")
    city = rng.weighted([(city, city["share"]) for city in _words()["cities"]])
    street = rng.one_of(city["streets"])
    house = str(rng.whole(1, 120)) + ("" if rng.chance(0.8) else rng.one_of("АБВ"))
    text = f"г. {city['name']}, {street}, {house}"
    if is_company(client_of_address(number)):
        if rng.chance(0.85):
            text += f", офис {rng.whole(1, 60)}"
    elif rng.chance(0.9):
        text += f", кв. {rng.whole(1, 180)}"
    return {"id": f"addr-{number:06}", "text": text}


def client_of_address(number: int) -> int:
    """Returns the number of the client who takes deliveries at this address."""
    return 3 * (number // 5) + ADDRESSES_IN_FIVE[number % 5]


def is_company(client_number: int) -> bool:
    return client_number % 3 == 0


def _colleague(trade: str, number: int, women: float) -> str:
    """Returns surname and first name; of the first thousand of a trade no two have the same."""
    words = _words()
    surnames = words["surnames"]
    start = 11 if trade == "operator" else 40
    surname = surnames[(start + number * 31) % len(surnames)]
    if Rng(f"{trade} {number}").chance(women):
        surname, firsts = feminine(surname), words["female"]
    else:
        firsts = words["male"]
    return f"{surname} {firsts[(start + number * 17) % len(firsts)]}"


def _person(rng: Rng) -> str:
    words = _words()
    surname = rng.one_of(words["surnames"])
    man, woman = rng.one_of(words["patronymics"])
    if rng.chance(0.6):
        return f"{feminine(surname)} {rng.one_of(words['female'])} {woman}"
    return f"{surname} {rng.one_of(words['male'])} {man}"


def _company(rng: Rng) -> str:
    words = _words()
    form = rng.weighted([("ООО", 60), ("АО", 12), ("ИП", 14), ("", 14)])
    if form == "ИП":
        woman = rng.chance(0.5)
        surname = rng.one_of(words["surnames"])
        first = rng.one_of(words["female" if woman else "male"])
        patronymic = rng.one_of(words["patronymics"])[0]
        return f"ИП {feminine(surname) if woman else surname} {first[0]}. {patronymic[0]}."
    if not form:
        return str(rng.one_of(words["institutions"])).format(n=rng.whole(1, 180))
    return f"{form} «{rng.one_of(words['companies'])}»"
