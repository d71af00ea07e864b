"""The plain async view of payments in the OpenAPI schema."""

from __future__ import annotations

from intellispark.api.openapi import (
    COUNT,
    SECURITY,
    TIME,
    UUID,
    Schema,
    header,
    json_answer,
    object_of,
    ref,
)

SCHEMAS: Schema = {
    "Expiring": {
        "description": "Tokens that expire at that time unless they are spent before.",
        **object_of(tokens=COUNT, expires_at=TIME),
    },
    "Wallet": {
        "description": "The balance, for clients that have no socket. Whole tokens.",
        **object_of(
            user_id=UUID,
            balance={**COUNT, "description": "Posted tokens."},
            held={**COUNT, "description": "Reserved by running generations."},
            available={**COUNT, "description": "max(0, balance - held): what is shown."},
            debt={**COUNT, "description": "max(0, held - balance)."},
            version={**COUNT, "description": "The wallet's count of ledger entries."},
            epoch={**COUNT, "description": "Rises when a wallet is restored from a backup."},
            expiring={
                "type": "array",
                "items": ref("Expiring"),
                "description": "Free tokens with a date, soonest first.",
            },
            created_at=TIME,
            updated_at=TIME,
        ),
    },
}

ETAG = {"ETag": {"schema": {"type": "string"}}}

TOKENS: Schema = {
    "operationId": "payment_user_tokens",
    "summary": "The balance",
    "description": "Carries an `ETag`; ask with `If-None-Match` and get 304 while it stands.",
    "tags": ["payment"],
    "security": SECURITY,
    "parameters": [header("If-None-Match", "The `ETag` of an answer.", {"type": "string"})],
    "responses": {
        "200": {"headers": ETAG, **json_answer("The balance.", ref("Wallet"))},
        "304": {"headers": ETAG, "description": "Nothing has changed."},
    },
}


def add_tokens(result: Schema, **kwargs: object) -> Schema:
    """drf-spectacular's hook. Runs before the one that adds the errors to every operation."""
    result.setdefault("components", {}).setdefault("schemas", {}).update(SCHEMAS)
    result["paths"]["/api/payment/user/tokens"] = {"get": TOKENS}
    return result
