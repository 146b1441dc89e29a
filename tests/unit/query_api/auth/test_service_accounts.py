"""Which tokens a program asked for with its own credentials."""

from typing import Any

import pytest

from query_api.auth.tokens import is_service_account


@pytest.mark.parametrize(
    ("claims", "is_service"),
    [
        ({"sub": "warehouse", "client_id": "warehouse"}, True),
        ({"sub": "warehouse", "azp": "warehouse"}, True),
        ({"sub": "1", "azp": "Wms", "preferred_username": "service-account-wms"}, True),
        ({"sub": "1", "azp": "page", "preferred_username": "ivanova"}, False),
        ({"sub": "1", "azp": "page", "preferred_username": "service-account-wms"}, False),
        ({"sub": "1", "preferred_username": "service-account-wms"}, False),
        ({"sub": "1", "client_id": ["1"]}, False),
        ({"sub": "1"}, False),
    ],
)
def test_a_token_whose_subject_is_its_client_is_a_services(
    claims: dict[str, Any], is_service: bool
) -> None:
    assert is_service_account(claims) is is_service
