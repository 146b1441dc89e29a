"""The report as a table for people."""

from datetime import UTC, datetime
from typing import Any
from zoneinfo import ZoneInfo

import pytest

from query_api.report.freshness import Freshness
from query_api.report.merge import merge
from query_api.report.scope import EVERYTHING, Period, ReportQuery, Scope
from query_api.report.snapshot import NEVER
from query_api.report.table import COLUMNS, Sort, Table, report_columns, table
from support.events import DAY, called, planned
from support.snapshots import snapshot_of

EVENTS = [
    planned("T1", operator_name="Анна"),
    called("T1", "ordered"),
    planned("T2", operator_name="Анна"),
]
FRESH = Freshness(1_795_521_599_870, 0, stale=False, why_stale=None)
TODAY = ReportQuery(Period(DAY, DAY), is_range=False, scope=EVERYTHING, operator_id=None)


def shown(query: ReportQuery, fresh: Freshness = FRESH, since: str | None = None) -> Table:
    snapshot = snapshot_of(EVENTS)
    return table(
        merge(snapshot, query.period, query.scope, query.operator_id, 0),
        snapshot,
        fresh,
        query,
        computed_at=datetime(2026, 11, 24, 12, tzinfo=UTC),
        complete_since=since,
        zone=ZoneInfo("Europe/Moscow"),
    )


def test_table_has_a_line_for_each_operator_and_the_totals() -> None:
    found = shown(TODAY)

    figures = dict(zip(found.header[1:], found.totals, strict=True))
    assert found.header == ["Оператор", *(column.title for column in COLUMNS)]
    assert [name for name, _ in found.rows] == ["Анна"]
    assert found.rows[0][1] == found.totals
    assert (figures["План"], figures["Заказов"], figures["% заказов"]) == (2, 1, 50.0)
    assert figures["Активные: всего"] == 1


def test_table_shows_the_date_and_the_freshness_above_the_figures() -> None:
    assert shown(TODAY).above == [
        ("Дата контакта", "24.11.2026"),
        ("Данные на", "24.11.2026 14:59:59 (Europe/Moscow)"),
        ("Активные и просроченные на", "24.11.2026 15:00:00 (Europe/Moscow)"),
    ]


@pytest.mark.parametrize(
    ("changes", "line"),
    [
        ({"period": Period("2026-11-23", DAY)}, ("Даты контакта", "23.11.2026 – 24.11.2026")),
        ({"operator_id": ""}, ("Оператор", "Без оператора")),
        ({"operator_id": "op-1"}, ("Оператор", "Анна")),
        ({"operator_id": "op-9"}, ("Оператор", "Не найден")),
        ({"scope": Scope("mgr-1")}, ("Менеджер", "Менеджер mgr-1")),
        ({"scope": Scope("")}, ("Менеджер", "Без менеджера")),
        ({"scope": Scope(plan_date="none")}, ("Дата плана", "Без даты плана")),
        ({"scope": Scope(plan_date=DAY)}, ("Дата плана", "24.11.2026")),
        (
            {"scope": Scope(operators=frozenset({"op-1"}))},
            ("Показаны", "Только те операторы и менеджеры, которые вам доступны"),
        ),
    ],
    ids=str,
)
def test_chosen_filters_are_shown_above_the_table(
    changes: dict[str, Any], line: tuple[str, str]
) -> None:
    assert line in shown(TODAY._replace(**changes)).above


def test_stale_and_incomplete_figures_are_marked() -> None:
    stale = Freshness(None, None, stale=True, why_stale="Redis is away")

    above = shown(TODAY, stale, since="2026-11-01T00:00:00+00:00").above

    assert ("Данные на", "Неизвестно") in above
    assert ("Внимание", "Данные устарели") in above
    assert ("Данные полны с", "01.11.2026 03:00:00 (Europe/Moscow)") in above


def test_columns_are_chosen_and_ordered_by_name_however_it_is_written() -> None:
    columns = report_columns("overdue_carried, operator,active,calls")

    assert [column.name for column in columns] == ["overdue.carried", "active.total", "calls"]


@pytest.mark.parametrize(
    ("text", "why"),
    [
        ("calls,salary", "no column 'salary'; there are operator, planned"),
        ("calls,calls", "'calls' is named twice"),
        ("active,active.total", "one column is named in two ways"),
        ("", "no column ''"),
    ],
)
def test_a_wrong_list_of_columns_is_refused(text: str, why: str) -> None:
    with pytest.raises(ValueError, match=why):
        report_columns(text)


@pytest.mark.parametrize(
    ("sort", "names"),
    [
        ("operator", ["Анна", "Борис", "Вера", "Без оператора"]),
        ("-operator", ["Вера", "Борис", "Анна", "Без оператора"]),
        ("calls", ["Вера", "Без оператора", "Борис", "Анна"]),
        ("-calls", ["Анна", "Борис", "Вера", "Без оператора"]),
        ("-order_percent", ["Анна", "Борис", "Без оператора", "Вера"]),
    ],
)
def test_lines_are_sorted_by_any_column_and_those_without_a_value_come_last(
    sort: str, names: list[str]
) -> None:
    events = [
        planned("T1", operator="op-1", operator_name="Анна"),
        called("T1", "ordered", call_id="c1"),
        called("T1", call_id="c2"),
        planned("T2", operator="op-2", operator_name="Борис"),
        called("T2", call_id="c3"),
        planned("T3", operator=None),
        planned("T4", operator="op-3", operator_name="Вера", date="2026-11-23"),
    ]
    snapshot = snapshot_of(events)
    merged = merge(snapshot, Period(DAY, DAY), EVERYTHING, None, NEVER)

    found = table(
        merged,
        snapshot,
        FRESH,
        TODAY,
        computed_at=datetime(2026, 11, 24, 12, tzinfo=UTC),
        complete_since=None,
        zone=ZoneInfo("Europe/Moscow"),
        columns=report_columns("calls"),
        sort=Sort.parse(sort),
    )

    assert [name for name, _ in found.rows] == names
    assert found.totals == [3]


def test_a_restricted_caller_reads_no_name_of_somebody_else_above_the_table() -> None:
    own = Scope(operators=frozenset({"op-9"}))
    named = [
        dict(shown(TODAY._replace(scope=own, operator_id=operator)).above)["Оператор"]
        for operator in ("op-1", "op-9", "")
    ]

    assert named == ["Не найден", "Не найден", "Без оператора"]
