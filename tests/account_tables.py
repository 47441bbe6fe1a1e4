"""Arrow tables of account rows, for tests."""

from __future__ import annotations

import pyarrow as pa
from account_rows import FIELDS

BALANCE = pa.struct(
    [
        ("asset", pa.string()),
        *((name, pa.float64()) for name in FIELDS),
        ("loan_leverage", pa.int64()),
    ]
)
WALLET = pa.struct([("asset", pa.string()), ("balance", pa.float64())])
POSITION = pa.struct(
    [
        ("symbol", pa.string()),
        ("quantity", pa.float64()),
        ("entry_price", pa.float64()),
        ("leverage", pa.float64()),
        ("side", pa.string()),
        ("isolated_margin", pa.float64()),
    ]
)
ORDER = pa.struct(
    [
        ("give_asset", pa.string()),
        ("give_quantity", pa.float64()),
        ("get_asset", pa.string()),
        ("get_quantity", pa.float64()),
    ]
)


def schema(id_type: pa.DataType) -> pa.Schema:
    """The columns of `account_rows.rows`, of ids of a type."""
    return pa.schema(
        [
            ("account", id_type),
            ("mode", pa.string()),
            ("balances", pa.list_(BALANCE)),
            ("leverage", pa.uint8()),
            ("margin_call_ratio", pa.float64()),
            ("open_order_loss", pa.float64()),
            ("orders", pa.list_(ORDER)),
            ("country", pa.string()),
            ("wallets", pa.list_(WALLET)),
            ("positions", pa.list_(POSITION)),
            ("multi_assets", pa.bool_()),
        ]
    )


def table_of(given_rows: list[dict[str, object]]) -> pa.Table:
    """The rows as a table."""
    is_int = isinstance(given_rows[0]["account"], int)
    return pa.Table.from_pylist(given_rows, schema=schema(pa.int64() if is_int else pa.string()))
