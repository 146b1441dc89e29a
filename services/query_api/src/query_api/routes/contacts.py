"""GET /contacts: the rows behind a number, and GET /filters: what can be chosen."""

from collections.abc import Collection, Iterable
from datetime import UTC, datetime, timedelta
from typing import Annotated, Any, Final, Literal
from zoneinfo import ZoneInfo

from fastapi import Request
from pydantic import AfterValidator, Field, WithJsonSchema
from pydantic_core import to_json
from starlette.responses import Response

from contracts.keys import Cell, OpenKey
from contracts.report import ContactPage, ContactStatus, FieldProblem, Kind, Pickers
from query_api.auth import ReportCaller, RowsCaller
from query_api.http.content_coding import compressed_response
from query_api.http.openapi.parameters import documented
from query_api.http.openapi.problems import FAULT, REFUSALS, UNPROCESSABLE
from query_api.http.openapi.responses import json_answer
from query_api.http.parameters import (
    Dates,
    Id,
    IsoDate,
    ReportParameters,
    ReportRequest,
    read_query,
    restricted_scope,
)
from query_api.http.problems import Unprocessable
from query_api.http.routers import api_router
from query_api.reader.client import UNREACHABLE
from query_api.reader.mirror import Unavailable
from query_api.reader.rows import read_last_deliveries, read_names, read_rows
from query_api.report.collation import collation_key
from query_api.report.report_json import WITHOUT_MANAGER, WITHOUT_OPERATOR, moment
from query_api.report.rows import (
    COUNTER_NAMES,
    DEFAULT_SORT,
    SORTS,
    Key,
    NamedRow,
    Order,
    RowFilter,
    RowQuery,
    decode_cursor,
    encode_cursor,
    listings,
)
from query_api.report.scope import WITHOUT
from query_api.report.snapshot import Snapshot
from query_api.routes.answers import EPOCH, Answers
from query_api.routes.report import VARY, freshness_headers

router = api_router("contacts")

MAX_LIMIT: Final = 500

Count = Annotated[int, Field(ge=0, le=1_000_000)]


def _counter(text: str) -> str:
    if text not in COUNTER_NAMES:
        raise ValueError(f"there is no such figure; there are {', '.join(COUNTER_NAMES)}")
    return text


def _sort(text: str) -> str:
    Order.parse(text)
    return text


Counter = Annotated[
    str,
    AfterValidator(_counter),
    WithJsonSchema({"type": "string", "enum": [*COUNTER_NAMES]}),
]
Sort = Annotated[
    str,
    AfterValidator(_sort),
    WithJsonSchema({"type": "string", "enum": [*SORTS, *(f"-{column}" for column in SORTS)]}),
]


class ContactParameters(ReportParameters):
    operator_id: Id | None = Field(
        None, description="Rows that count for this operator; empty: for none"
    )
    counter: Counter | None = Field(
        None,
        description="The rows behind this figure of the report, each with its `contribution`",
    )
    status: ContactStatus | None = Field(None, description="Rows with this status")
    kind: Kind | None = Field(None, description="Rows of this kind")
    overdue: bool | None = Field(
        None, description="true: overdue rows, also those of earlier dates; false: the others"
    )
    origin: Literal["manual", "forecast", "none"] | None = Field(
        None, description="Rows of tasks that came from there; `none`: that do not say"
    )
    task_id: Id | None = Field(None, description="Rows of this task")
    client_id: Id | None = Field(None, description="Rows of this client")
    address_id: Id | None = Field(None, description="Rows of this address")
    order: Id | None = Field(None, description="Rows with this order, by its id or number")
    min_calls: Count | None = Field(None, description="Rows with so many calls or more")
    max_calls: Count | None = Field(None, description="Rows with so many calls or fewer")
    min_postponements: Count | None = Field(
        None, description="Rows that were postponed so often or more"
    )
    last_delivery_from: IsoDate | None = Field(
        None, description="Rows whose address had its last delivery on this day or later"
    )
    last_delivery_to: IsoDate | None = Field(
        None, description="Rows whose address had its last delivery by this day, or none at all"
    )
    q: Annotated[str, Field(max_length=200)] | None = Field(
        None, description="Text within the client's name or the address"
    )
    sort: Sort = Field(DEFAULT_SORT, description="Column to sort by; - before it reverses")
    cursor: Annotated[str, Field(max_length=4_096)] | None = Field(
        None, description="`next_cursor` of the page before"
    )
    limit: Annotated[int, Field(ge=1, le=MAX_LIMIT)] = Field(50, description="Rows of a page")


@router.get(
    "/contacts",
    response_model=ContactPage,
    responses={
        **REFUSALS,
        200: json_answer("The rows, a page of them"),
        422: UNPROCESSABLE,
        500: FAULT,
    },
    openapi_extra={"parameters": documented(ContactParameters)},
    summary="The contacts behind a figure of the report",
)
async def contacts(request: Request, caller: RowsCaller) -> Response:
    answers: Answers = request.app.state.answers
    asked = read_query(request, ContactParameters)
    order = Order.parse(asked.sort)
    after = _cursor(asked.cursor, order)
    query = ReportRequest(asked, caller.restriction).query(answers.today())
    wanted = RowQuery(
        query.period,
        query.scope,
        query.operator_id,
        COUNTER_NAMES[asked.counter] if asked.counter else None,
        RowFilter(**{name: getattr(asked, name) for name in RowFilter._fields}),
        answers.minute(),
    )
    snapshot = await answers.mirror.holding(wanted.period.days)
    fresh = answers.freshness(snapshot)
    try:
        named = await _rows(request, snapshot, wanted)
        named = await _looked_through(request, snapshot, named, asked, order)
        keyed: Iterable[tuple[Key, NamedRow]] = [(order.key(one), one) for one in named]
        if after is not None:
            keyed = [pair for pair in keyed if order.is_after(pair[0], after)]
        arranged = order.arranged(keyed)
        page = arranged[: asked.limit]
        items = await _filled_in(request, snapshot, [one for _, one in page])
    except UNREACHABLE as error:
        raise Unavailable(f"Redis can't be read: {error}") from error
    content = {
        "items": [_item(one, wanted, answers) for one in items],
        "next_cursor": encode_cursor(order, page[-1][0]) if len(arranged) > len(page) else None,
        "total": len(named),
        "as_of": moment(fresh.as_of, answers.zone),
    }
    headers = {
        "Cache-Control": "private, no-store",
        "Vary": VARY,
        **freshness_headers(answers, fresh),
    }
    return compressed_response(request, to_json(content), "application/json", headers)


def _cursor(text: str | None, order: Order) -> Key | None:
    if text is None:
        return None
    try:
        return decode_cursor(text, order)
    except ValueError as error:
        wrong = FieldProblem(field="cursor", value=text[:100], message=str(error))
        raise Unprocessable([wrong]) from None


async def _rows(request: Request, snapshot: Snapshot, wanted: RowQuery) -> list[NamedRow]:
    """The rows wanted, each once; what stands in other hashes is not filled in yet."""
    found: dict[tuple[str, int], NamedRow] = {}
    operators, managers = snapshot.operators, snapshot.managers
    async for portion in read_rows(
        request.app.state.redis,
        snapshot.generation,
        [number for number, shard in enumerate(snapshot.shards) if shard is not None],
        listings(snapshot, wanted),
        follow_pointers=wanted.takes_pointers,
    ):
        for row in portion:
            contribution = wanted.contribution(row) if wanted.passes(row) else 0
            if contribution:
                found[row.task_id, row.contact_no] = NamedRow(
                    row,
                    contribution,
                    None if row.operator is None else operators.get(row.operator, row.operator),
                    None if row.manager is None else managers.get(row.manager, row.manager),
                )
    return list(found.values())


async def _looked_through(
    request: Request,
    snapshot: Snapshot,
    rows: list[NamedRow],
    asked: ContactParameters,
    order: Order,
) -> list[NamedRow]:
    """The rows that match what is known only by looking names and deliveries up for all."""
    parts = set()
    if asked.q or order.column == "client":
        parts.add("client")
    if asked.q or order.column == "address":
        parts.add("address")
    if asked.last_delivery_from or asked.last_delivery_to or order.column == "last_delivery_date":
        parts.add("delivery")
    rows = await _filled_in(request, snapshot, rows, parts)
    text, first, last = (
        collation_key(asked.q or ""),
        asked.last_delivery_from,
        asked.last_delivery_to,
    )
    return [
        one
        for one in rows
        if (not text or text in collation_key(one.client) or text in collation_key(one.address))
        and (first is None or (one.last_delivery_date or "") >= first)
        and (last is None or (one.last_delivery_date or "") <= last)
    ]


async def _filled_in(
    request: Request,
    snapshot: Snapshot,
    rows: list[NamedRow],
    parts: Collection[str] = ("client", "address", "delivery"),
) -> list[NamedRow]:
    """The rows with the parts that stand in other hashes."""
    if not rows or not parts:
        return rows
    redis, generation, shards = request.app.state.redis, snapshot.generation, len(snapshot.shards)
    clients = {one.row.client for one in rows}
    addresses = {one.row.address for one in rows}
    names = texts = deliveries = {}
    if "client" in parts:
        names = await read_names(redis, generation, shards, "client", clients)
    if "address" in parts:
        texts = await read_names(redis, generation, shards, "address", addresses)
    if "delivery" in parts:
        deliveries = await read_last_deliveries(redis, generation, shards, addresses)
    return [
        one._replace(
            client=names.get(one.row.client, one.client or one.row.client),
            address=texts.get(one.row.address, one.address or one.row.address),
            last_delivery_date=deliveries.get(one.row.address, one.last_delivery_date),
        )
        for one in rows
    ]


_FIRST: Final = datetime(1, 1, 1, tzinfo=UTC)
_LAST: Final = datetime(9999, 12, 31, 23, 59, tzinfo=UTC)


def _moment(minute: int, zone: ZoneInfo) -> datetime:
    """The moment of a minute since 1970: "never" is often written as the end of the year 9999."""
    try:
        moment = EPOCH + timedelta(minutes=minute)
    except OverflowError:
        return _FIRST if minute < 0 else _LAST
    try:
        return moment.astimezone(zone)
    except OverflowError:
        return moment


def _item(named: NamedRow, wanted: RowQuery, answers: Answers) -> dict[str, Any]:
    row = named.row
    return {
        "task_id": row.task_id,
        "contact_no": row.contact_no,
        "contact_date": row.contact_date,
        "plan_date": row.plan_date,
        "due_at": None if row.due is None else _moment(row.due, answers.zone).isoformat(),
        "operator": None if row.operator is None else {"id": row.operator, "name": named.operator},
        "manager": None if row.manager is None else {"id": row.manager, "name": named.manager},
        "client": {"id": row.client, "name": named.client},
        "address": {"id": row.address, "text": named.address},
        "origin": row.origin,
        "kind": row.kind,
        "status": row.status,
        "overdue": wanted.is_overdue(row),
        "orders": [{"id": order_id, "number": number} for order_id, number in row.orders],
        "calls": sum(count for _, count in row.calls),
        "refusals": sum(count for _, count in row.refusals),
        "postponements": row.postponements,
        "postpone_comment": row.postpone_comment,
        "comment": row.comment,
        "last_call_at": row.last_call_at,
        "last_delivery_date": named.last_delivery_date,
        "contribution": named.contribution if wanted.counter else None,
    }


@router.get(
    "/filters",
    response_model=Pickers,
    responses={
        **REFUSALS,
        200: json_answer("What there is to choose from"),
        422: UNPROCESSABLE,
        500: FAULT,
    },
    openapi_extra={"parameters": documented(Dates)},
    summary="The operators, managers and plan dates there are to choose from",
)
async def filters(request: Request, caller: ReportCaller) -> Response:
    answers: Answers = request.app.state.answers
    asked = read_query(request, Dates)
    period = asked.period(answers.today())
    chosen = restricted_scope(caller.restriction)
    snapshot = await answers.mirror.holding(period.days)
    operators: set[str] = set()
    managers: set[str] = set()
    plan_dates: set[str] = set()
    minute = answers.minute()
    for shard in snapshot.shards:
        if shard is None:
            continue
        cells: list[Cell | OpenKey] = [
            cell
            for day, counts in shard.cell_counts.items()
            if period.holds(day)
            for cell, counters in counts.cells.items()
            if any(counters)
        ]
        cells += [
            key
            for day, opens in shard.open_contacts.items()
            if day < period.first
            for key in opens.counts
            if key.deadline <= minute
        ]
        for cell in cells:
            if chosen.admits(cell):
                operators.add(cell.operator or WITHOUT)
                managers.add(cell.manager or WITHOUT)
                if cell.plan_date is not None:
                    plan_dates.add(cell.plan_date)
    content = {
        "operators": _refs(operators, snapshot.operators, WITHOUT_OPERATOR),
        "managers": _refs(managers, snapshot.managers, WITHOUT_MANAGER),
        "plan_dates": sorted(plan_dates),
    }
    headers = {
        "Cache-Control": "private, no-cache",
        "Vary": VARY,
        **freshness_headers(answers, answers.freshness(snapshot)),
    }
    return compressed_response(request, to_json(content), "application/json", headers)


def _refs(ids: set[str], names: dict[str, str], without: str) -> list[dict[str, str]]:
    refs = [{"id": i, "name": without if i == WITHOUT else names.get(i, i)} for i in ids]
    return sorted(
        refs, key=lambda ref: (ref["id"] == WITHOUT, collation_key(ref["name"]), ref["id"])
    )
