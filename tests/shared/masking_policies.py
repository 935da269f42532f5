"""Keys and policies that the masking tests share."""

import hmac
import uuid

from tasks.masking import MaskingKey
from tasks.params.masking import MaskingParams

SECRET = bytes(range(32))
KEY = MaskingKey("test-1", SECRET)
OTHER_KEY = MaskingKey("test-1", bytes(range(1, 33)))

SHIFT = {"class": "quasi", "transform": "date_shift", "per": "person", "max_days": 30}


def policy(
    columns: dict | None = None, *, domains: dict | None = None, safe: tuple[str, ...] = (), table: str = "t"
) -> MaskingParams:
    """A policy for one table: safe columns, rules and domains."""
    return MaskingParams.model_validate(
        {
            "key": {"env": "NO_SUCH_VARIABLE", "file": "masking.key", "id": "test-1"},
            "domains": domains or {},
            "tables": {table: {"safe": safe, "reason": "public", **(columns or {})}},
        }
    )


def rule(transform: str, column_class: str = "quasi", **settings: object) -> dict[str, object]:
    """One column's rule as params.yaml has it."""
    return {"class": column_class, "transform": transform, **settings}


def expected_token(domain: str, value: str, secret: bytes = SECRET) -> str:
    """A token by Python's own ``hmac``: the definition that the product is held to."""
    domain_key = hmac.new(secret, f"mask/v1/{domain}".encode(), "sha256").digest()
    return str(uuid.UUID(bytes=hmac.new(domain_key, value.encode(), "sha256").digest()[:16]))
