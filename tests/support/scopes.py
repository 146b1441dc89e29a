"""Random filters and restrictions for property tests of figures, over `support.row_histories`."""

from hypothesis import strategies as st

from query_api.report.scope import Scope
from support.row_histories import MANAGERS, OPERATORS, PLAN_DATES

_operators = st.sampled_from([operator or "" for operator in OPERATORS])
_managers = st.sampled_from([manager or "" for manager in MANAGERS])
_plan_dates = st.sampled_from([day or "none" for day in PLAN_DATES])

operator_ids = st.none() | _operators

scopes = st.builds(
    Scope,
    st.none() | _managers,
    st.none() | _plan_dates,
    st.none() | st.frozensets(_operators),
    st.none() | st.frozensets(_managers),
)
