"""What `watch` draws from given reports."""

import io
from datetime import UTC, date, datetime
from typing import Any
from zoneinfo import ZoneInfo

import httpx
import pytest
from rich.console import Console

from contracts.report import Active, Figures, Filters, OperatorFigures, Overdue, Ref, Report
from devkit.watch import Freshness, freshness_line, freshness_of_headers, plain_line, table

MOSCOW = ZoneInfo("Europe/Moscow")
NOON = datetime(2026, 11, 24, 9, 0, 5, tzinfo=UTC)
FRESH = Freshness(NOON, 3, stale=False)

FIGURES = {
    "planned": 61,
    "calls": 72,
    "refusals": 3,
    "ordered": 24,
    "orders": 25,
    "delivered": 5,
    "postponed": 7,
    "no_contact": 8,
    "refused": 9,
    "dropped": 1,
    "drop_closed": 0,
    "active": Active(planned=10, postponed=2, dropped=1, total=13),
    "overdue": Overdue(planned=2, postponed=0, dropped=0, total=46, carried=17),
    "order_percent": 39.3,
    "processed_percent": 78.7,
}


def report(operators: int = 2, **changed: object) -> Report:
    return Report(
        date=date(2026, 11, 24),
        date_from=date(2026, 11, 24),
        date_to=date(2026, 11, 24),
        timezone="Europe/Moscow",
        computed_at=NOON,
        as_of=NOON,
        lag_events=3,
        stale=False,
        complete_since=None,
        filters=Filters(),
        operators=[
            OperatorFigures(operator=Ref(id=f"op-{n}", name=f"Оператор [{n}]"), **FIGURES)
            for n in range(operators)
        ],
        totals=Figures(**{**FIGURES, **changed}),
    )


def drawn(given: Report, width: int, **options: Any) -> str:
    drawing = io.StringIO()
    console = Console(file=drawing, width=width)
    console.print(table(given, FRESH, width=width, **options))
    return drawing.getvalue()


def test_every_column_of_the_report_is_named_and_filled() -> None:
    text = drawn(report(), 140)
    for name in [
        "Оператор",
        "План",
        "Звонков",
        "Заказов",
        "Перенос",
        "Недозвон",
        "Отказ",
        "Отвал",
        "Активные",
    ]:
        assert name in text
    line = next(line for line in text.splitlines() if "Оператор [1]" in line)
    assert line.split()[2:] == [
        "61",
        "72",
        "3",
        "24",
        "39,3",
        "7",
        "8",
        "9",
        "1",
        "13",
        "46",
        "(17)",
        "78,7",
    ]


def test_the_totals_are_the_reports_own() -> None:
    (line,) = [line for line in drawn(report(planned=999), 140).splitlines() if "Итого (2)" in line]
    assert line.split()[2] == "999"


@pytest.mark.parametrize("width", [80, 100, 122, 200])
def test_table_fits_the_terminal_without_cutting_a_number(width: int) -> None:
    text = drawn(report(), width)
    assert max(map(len, text.splitlines())) <= width
    assert "46 (17)" in text
    assert "…" not in text


def test_more_operators_than_rows_are_counted_and_the_totals_stay() -> None:
    text = drawn(report(operators=50), 140, rows=10)
    assert text.count("Оператор [") == 10
    assert "… и ещё 40" in text
    assert "Итого (50)" in text


def test_percent_is_empty_if_nothing_is_planned() -> None:
    (line,) = [
        line for line in drawn(report(order_percent=None), 140).splitlines() if "Итого" in line
    ]
    assert "—" in line


def test_freshness_is_shown_in_the_business_time_zone() -> None:
    assert freshness_line(FRESH, MOSCOW).plain == "данные на 12:00:05, отставание 3"


def test_stale_figures_are_marked_as_stale() -> None:
    stale = Freshness(NOON, None, stale=True)
    assert freshness_line(stale, MOSCOW).plain == "данные на 12:00:05 — устарели"
    assert "данных ещё нет" in freshness_line(Freshness(None, None, stale=True), MOSCOW).plain


def test_response_without_a_body_still_shows_its_freshness() -> None:
    headers = httpx.Headers({"Obzvon-As-Of": "2026-11-24T09:00:05Z", "Obzvon-Lag-Events": "3"})
    assert freshness_of_headers(headers) == FRESH
    assert freshness_of_headers(httpx.Headers({"Obzvon-As-Of": "2026-11-24T09:00:05Z"})).stale


def test_the_plain_line_has_all_totals() -> None:
    line = plain_line(report(), FRESH)
    assert "\n" not in line
    assert "операторов 2, План 61, Звонков 72" in line
    assert "Просроченные 46 (17)" in line
