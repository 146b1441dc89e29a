"""Questions to the API: (method, role or None, path and query)."""

from typing import Final

_DAY = "date=2026-11-24"

SHOWN_HEADERS: Final = frozenset(
    {
        *("allow", "cache-control", "content-disposition", "content-security-policy"),
        *("content-type", "cross-origin-opener-policy", "cross-origin-resource-policy"),
        *("deprecation", "etag", "link", "location", "obzvon-as-of", "obzvon-lag-events"),
        *("permissions-policy", "referrer-policy", "retry-after", "set-cookie"),
        *("strict-transport-security", "vary", "www-authenticate", "x-content-type-options"),
    }
)

QUESTIONS: Final = (
    ("GET", None, "/livez"),
    ("GET", None, "/readyz"),
    ("GET", None, "/metrics"),
    ("GET", None, "/docs"),
    ("GET", None, "/docs/no-such-file"),
    ("GET", None, "/no-such-path"),
    ("GET", None, "/api/v1/report"),
    ("GET", "visitor", "/api/v1/report"),
    ("GET", "visitor", "/api/v1/contacts"),
    ("POST", "head", "/api/v1/report"),
    ("HEAD", "head", f"/api/v1/report?{_DAY}"),
    ("OPTIONS", "head", "/api/v1/report"),
    ("POST", "head", "/api/v1/wallboard/session"),
    ("GET", "head", "/auth/login"),
    ("GET", "head", "/login"),
    ("GET", "head", "/openapi.json"),
    ("GET", "head", "/api/v1/openapi.json"),
    *(
        ("GET", role, f"/api/v1/{path}?{_DAY}")
        for role in ("head", "quality_control")
        for path in ("report", "contacts", "filters", "report.csv", "report.xlsx", "stream")
    ),
    *(
        ("GET", "head", f"/api/v1/report?{query}")
        for query in (
            "",
            "date_from=2026-11-22&date_to=2026-11-25",
            f"{_DAY}&operator_id=op-5",
            f"{_DAY}&operator_id=op-5&operator_id=",
            f"{_DAY}&manager_id=mgr-0&plan_date=2026-11-24",
            f"{_DAY}&manager_id=",
            "date=1999-01-01",
            "date=tomorrow",
            "date_from=2026-11-25&date_to=2026-11-22",
            "date_from=2020-01-01&date_to=2026-11-22",
            f"{_DAY}&date_from=2026-11-22",
            f"{_DAY}&no_such=1",
            f"{_DAY}&plan_date=soon",
        )
    ),
    *(
        ("GET", "head", f"/api/v1/contacts?{_DAY}&{query}")
        for query in (
            "limit=200",
            "limit=3&sort=-calls",
            "limit=3&sort=client",
            "limit=3&sort=nothing",
            "limit=0",
            "limit=100000",
            "cursor=nonsense",
            *(
                f"limit=5&counter={counter}"
                for counter in (
                    *("planned", "calls", "refusals", "ordered", "orders", "delivered"),
                    *("postponed", "no_contact", "refused", "dropped", "drop_closed"),
                    *("active", "active.planned", "active.postponed", "active.dropped"),
                    *("overdue", "overdue.planned", "overdue.carried", "overdue.total"),
                    *("active_planned", "overdue_carried", "no_such"),
                )
            ),
            *(f"limit=5&status={status}" for status in ("open", "dropped", "ordered", "lost")),
            *(f"limit=5&kind={kind}" for kind in ("planned", "postponed", "lost")),
            "limit=5&overdue=true",
            "limit=5&overdue=false",
            "limit=5&q=Клиент%201",
            "limit=5&min_calls=2&max_calls=3",
            "limit=5&min_postponements=1",
            "limit=5&last_delivery_from=2026-11-10&last_delivery_to=2026-11-20",
            "limit=5&task_id=T20261124-000004",
            "limit=5&client_id=c-4&address_id=a-4",
            "limit=5&order=1",
            "limit=5&origin=2026-11-23",
            "limit=5&operator_id=op-5&manager_id=mgr-0",
            "limit=5&operator_id=",
        )
    ),
    ("GET", "head", "/api/v1/filters?date_from=2026-11-22&date_to=2026-11-25"),
    ("GET", "head", "/api/v1/report.csv?date_from=2026-11-22&date_to=2026-11-25&operator_id=op-5"),
    ("GET", "head", f"/api/v1/stream?{_DAY}&operator_id=op-5"),
)
