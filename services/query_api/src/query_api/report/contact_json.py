"""Rows as the JSON shows them."""

from datetime import tzinfo
from typing import Any

from query_api.report.moments import moment_of_minute
from query_api.report.named_rows import NamedRow
from query_api.report.row_query import RowQuery


def contact_json(named: NamedRow, query: RowQuery, zone: tzinfo) -> dict[str, Any]:
    """Returns the fields of `contracts.report.ContactRow`, with times in the zone."""
    row = named.row
    return {
        "task_id": row.task_id,
        "contact_no": row.contact_no,
        "contact_date": row.contact_date,
        "plan_date": row.plan_date,
        "due_at": None if row.due is None else moment_of_minute(row.due, zone).isoformat(),
        "operator": None if row.operator is None else {"id": row.operator, "name": named.operator},
        "manager": None if row.manager is None else {"id": row.manager, "name": named.manager},
        "client": {"id": row.client, "name": named.client},
        "address": {"id": row.address, "text": named.address},
        "origin": row.origin,
        "kind": row.kind,
        "status": row.status,
        "overdue": query.is_overdue(row),
        "orders": [{"id": order_id, "number": number} for order_id, number in row.orders],
        "calls": sum(count for _, count in row.calls),
        "refusals": sum(count for _, count in row.refusals),
        "postponements": row.postponements,
        "postpone_comment": row.postpone_comment,
        "comment": row.comment,
        "last_call_at": row.last_call_at,
        "last_delivery_date": named.last_delivery_date,
        "contribution": named.contribution if query.counter else None,
    }
