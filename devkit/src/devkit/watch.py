"""The report as a live table in the terminal, read from the API like any client reads it."""

import asyncio
import time
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import datetime
from http import HTTPStatus
from typing import NamedTuple
from zoneinfo import ZoneInfo

import httpx
from rich import box
from rich.console import Console, Group, RenderableType
from rich.live import Live
from rich.table import Table
from rich.text import Text

from contracts.report import Figures, Overdue, Report
from devkit.errors import StackError
from devkit.stack.issuer.tokens import Person
from devkit.stack.state import StackState

POLL_S = 1.0
"""Seconds between two requests; most are answered 304, without a body."""

PLAIN_EVERY_S = 5.0
"""Seconds between two lines if there is no terminal."""

TOKEN_AGE_S = 1_800
"""Seconds after which a new token is made; a token is valid twice as long."""

WIDE = 122
"""Width of a terminal from which on the table's headings are written in full."""

NARROW = 100
"""Width below which the less important columns are omitted."""

NAME_WIDTH = 8
"""Width of the column of the operators' names, at least."""


class _Column(NamedTuple):
    name: str
    short: str
    value: Callable[[Figures], object]
    is_minor: bool = False


_COLUMNS = (
    _Column("План", "План", lambda f: f.planned),
    _Column("Звонков", "Звон.", lambda f: f.calls),
    _Column("Отказов", "Отк.", lambda f: f.refusals, is_minor=True),
    _Column("Заказов", "Заказ.", lambda f: f.ordered),
    _Column("% заказов", "% зак.", lambda f: _percent(f.order_percent)),
    _Column("Перенос", "Перен.", lambda f: f.postponed),
    _Column("Недозвон", "Недозв.", lambda f: f.no_contact),
    _Column("Отказ", "Отказ", lambda f: f.refused),
    _Column("Отвал", "Отвал", lambda f: f.dropped),
    _Column("Активные", "Актив.", lambda f: f.active.total),
    _Column("Просроченные", "Просроч.", lambda f: _with_carried(f.overdue)),
    _Column("% обработано", "% обраб.", lambda f: _percent(f.processed_percent), is_minor=True),
)


@dataclass(frozen=True)
class Freshness:
    """How current the figures are. Every answer says so, even one without a body."""

    as_of: datetime | None
    lag_events: int | None
    stale: bool


class ReportReader:
    """Reads the report from the API; keeps the last one and asks only whether it has changed."""

    def __init__(
        self, api: str, new_token: Callable[[], str], parameters: dict[str, str] | None = None
    ) -> None:
        self.api = api
        self.report: Report | None = None
        self.freshness: Freshness | None = None
        self._new_token = new_token
        self._token, self._token_made = "", float("-inf")
        self._etag: str | None = None
        self._parameters = parameters or {}
        self._client = httpx.AsyncClient(base_url=api, timeout=10.0, trust_env=False)

    async def read(self) -> bool:
        """Returns whether the figures have changed.

        An API that refuses or does not answer is a `StackError`.
        """
        if time.monotonic() - self._token_made > TOKEN_AGE_S:
            self._token, self._token_made = self._new_token(), time.monotonic()
        headers = {"Authorization": f"Bearer {self._token}"}
        if self._etag is not None:
            headers["If-None-Match"] = self._etag
        try:
            answer = await self._client.get(
                "/api/v1/report", params=self._parameters, headers=headers
            )
        except httpx.HTTPError as error:
            raise StackError(
                f"the API does not answer at {self.api} ({type(error).__name__}): is the stack "
                "still running?"
            ) from error
        if answer.status_code == HTTPStatus.NOT_MODIFIED and self.report is not None:
            self.freshness = freshness_of_headers(answer.headers)
            return False
        if answer.status_code != HTTPStatus.OK:
            raise StackError(f"the API answered {answer.status_code}: {_describe_refusal(answer)}")
        self.report = Report.model_validate_json(answer.content)
        self.freshness = Freshness(self.report.as_of, self.report.lag_events, self.report.stale)
        self._etag = answer.headers.get("ETag")
        return True

    async def close(self) -> None:
        await self._client.aclose()


@asynccontextmanager
async def read_report(
    state: StackState, role: str = "head", date: str | None = None
) -> AsyncIterator[ReportReader]:
    """A reader of the running stack's report for a date; without one, always for today."""
    issuer = state.open_issuer()
    parameters = {} if date is None else {"date": date}
    reader = ReportReader(state.api, lambda: issuer.access_token(Person(role)), parameters)
    try:
        yield reader
    finally:
        await reader.close()


def freshness_of_headers(headers: httpx.Headers) -> Freshness:
    """Returns the freshness from an answer's headers, which have the lag unless the figures are stale."""
    as_of, lag = headers.get("Obzvon-As-Of"), headers.get("Obzvon-Lag-Events", "")
    return Freshness(
        as_of=datetime.fromisoformat(as_of) if as_of else None,
        lag_events=int(lag) if lag.isdigit() else None,
        stale=not lag.isdigit(),
    )


def _describe_refusal(answer: httpx.Response) -> str:
    try:
        problem = answer.json()
        named = "; ".join(
            f"{wrong['field']}: {wrong['message']}" for wrong in problem.get("errors") or ()
        )
        return str(named or problem["detail"])
    except (ValueError, KeyError, TypeError):
        return answer.text[:200] or answer.reason_phrase


def _percent(value: float | None) -> str:
    return "—" if value is None else f"{value:.1f}".replace(".", ",")


def _with_carried(overdue: Overdue) -> str:
    """Returns the number of overdue contacts, with that of earlier days in brackets."""
    return f"{overdue.total} ({overdue.carried})" if overdue.carried else str(overdue.total)


def freshness_line(freshness: Freshness, zone: ZoneInfo) -> Text:
    """Returns how current the figures are, for a person."""
    if freshness.as_of is None:
        return Text("данных ещё нет: проектор читает журнал с начала", style="yellow")
    at = f"{freshness.as_of.astimezone(zone):%H:%M:%S}"
    if freshness.stale:
        return Text(f"данные на {at} — устарели", style="bold red")
    return Text(f"данные на {at}, отставание {freshness.lag_events or 0}", style="green")


def table(
    report: Report, freshness: Freshness, *, width: int = WIDE, rows: int | None = None
) -> RenderableType:
    """Returns the report as a table of at most `rows` operators, with totals and freshness."""
    columns = [column for column in _COLUMNS if width >= NARROW or not column.is_minor]
    day = (
        f"{report.date:%d.%m.%Y}"
        if report.date
        else f"{report.date_from:%d.%m.%Y} – {report.date_to:%d.%m.%Y}"
    )
    shown = report.operators if rows is None else report.operators[: max(rows, 1)]
    hidden = len(report.operators) - len(shown)
    names = [column.name if width >= WIDE else column.short for column in columns]
    lines = [[str(column.value(line)) for column in columns] for line in (*shown, report.totals)]
    taken = sum(
        1 + max(len(name), *(len(line[place]) for line in lines))
        for place, name in enumerate(names)
    )
    grid = Table(
        title=f"Оперативная работа по обзвону · {day}",
        box=box.SIMPLE_HEAD,
        show_edge=False,
        show_footer=True,
        padding=0,
    )
    grid.add_column(
        "Оператор",
        footer=f"Итого ({len(report.operators)})",
        footer_style="bold",
        no_wrap=True,
        overflow="ellipsis",
        max_width=max(width - taken, NAME_WIDTH),
    )
    for name, total in zip(names, lines[-1], strict=True):
        grid.add_column(name, footer=total, footer_style="bold", justify="right", no_wrap=True)
    for line, figures in zip(shown, lines, strict=False):
        grid.add_row(Text(line.operator.name), *figures)
    if hidden:
        grid.add_row(Text(f"… и ещё {hidden}", style="dim"))
    notes = [freshness_line(freshness, ZoneInfo(report.timezone))]
    if report.complete_since is not None:
        notes.append(Text(f"полные данные только с {report.complete_since:%d.%m.%Y %H:%M}"))
    return Group(grid, *notes)


def plain_line(report: Report, freshness: Freshness) -> str:
    """Returns the totals as one line, for a log."""
    zone = ZoneInfo(report.timezone)
    figures = ", ".join(f"{column.name} {column.value(report.totals)}" for column in _COLUMNS)
    return f"{freshness_line(freshness, zone).plain}: операторов {len(report.operators)}, {figures}"


async def watch_once(reader: ReportReader, console: Console) -> None:
    """Print the report once."""
    await reader.read()
    assert reader.report is not None
    assert reader.freshness is not None
    console.print(table(reader.report, reader.freshness, width=console.width))


async def watch(
    reader: ReportReader, console: Console, note: Callable[[], str] = lambda: ""
) -> None:
    """Show the report until cancelled, with a note below it, or with why the API does not answer."""
    if not console.is_terminal:
        await _watch_plain(reader, console, note)
        return
    await reader.read()  # a refusal ends the command here, before it takes over the screen
    with Live(console=console, auto_refresh=False, vertical_overflow="crop") as live:
        problem = ""
        while True:
            below = Text(problem, style="bold red") if problem else Text(note(), style="dim")
            live.update(_screen(reader, console, below), refresh=True)
            await asyncio.sleep(POLL_S)
            try:
                await reader.read()
            except StackError as error:
                problem = str(error)
            else:
                problem = ""


def _screen(reader: ReportReader, console: Console, below: Text) -> RenderableType:
    assert reader.report is not None
    assert reader.freshness is not None
    room = console.height - 9  # title, header, rules, totals, freshness, what is below
    grid = table(reader.report, reader.freshness, width=console.width, rows=room)
    return Group(grid, below) if below else grid


async def _watch_plain(reader: ReportReader, console: Console, note: Callable[[], str]) -> None:
    printed_at = float("-inf")
    while True:
        try:
            await reader.read()
            assert reader.report is not None
            assert reader.freshness is not None
            line = plain_line(reader.report, reader.freshness)
        except StackError as error:
            if reader.report is None:
                raise
            line = str(error)
        if time.monotonic() - printed_at >= PLAIN_EVERY_S:
            printed_at = time.monotonic()
            console.print("; ".join(filter(None, (line, note()))), soft_wrap=True, markup=False)
        await asyncio.sleep(POLL_S)
