"""The columns that an Arrow table of accounts may have, and the type of each."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, TypeAlias

from pymargin.adapters.arrow_values import is_flag, is_name, is_number, pyarrow, type_problem
from pymargin.columns import ACCOUNT_NUMBERS, ORDER_FIELDS, POSITION_NUMBERS, QUANTITIES, Faults
from pymargin.errors import Problem

__all__ = ["ACCOUNT_TYPES", "LIST_TYPES", "check_types"]

Types: TypeAlias = Mapping[str, Callable[[Any], bool]]

ACCOUNT_TYPES: Types = {
    **dict.fromkeys(ACCOUNT_NUMBERS, is_number),
    "mode": is_name,
    "country": is_name,
    "multi_assets": is_flag,
}
LIST_TYPES: Mapping[str, Types] = {
    "balances": {
        "asset": is_name,
        **dict.fromkeys(QUANTITIES, is_number),
        "loan_leverage": is_number,
    },
    "orders": {name: is_name if name.endswith("asset") else is_number for name in ORDER_FIELDS},
    "wallets": {"asset": is_name, "balance": is_number},
    "positions": {
        "symbol": is_name,
        **dict.fromkeys(POSITION_NUMBERS, is_number),
        "side": is_name,
    },
}


def check_types(table: Any, types: Types, lists: tuple[str, ...] = ()) -> None:
    """Refuse columns that are missing, unknown, repeated or of another type.

    Raises
    ------
    AccountsError
        Names every such column.
    """
    faults = Faults()
    known = ", ".join(sorted((*types, *lists)))
    names = table.column_names
    if "account" not in names:
        faults.add(Problem("account", "is a column that must be there"))
    for name in dict.fromkeys(names):
        if names.count(name) > 1:
            faults.add(Problem(name, "is a column that must be there once"))
        elif name in types:
            _add(faults, type_problem(name, table.schema.field(name).type, types[name]))
        elif name in lists:
            kind = table.schema.field(name).type
            _check_list_type(name, kind, LIST_TYPES[name], faults)
        else:
            faults.add(Problem(str(name), f"is not a known column: {known}"))
    faults.raise_if_any()


def _add(faults: Faults, problem: Problem | None) -> None:
    if problem is not None:
        faults.add(problem)


def _check_list_type(name: str, kind: Any, inner: Types, faults: Faults) -> None:
    types = pyarrow().types
    if types.is_null(kind):
        return
    is_list = types.is_list(kind) or types.is_large_list(kind) or types.is_fixed_size_list(kind)
    if not is_list or not (types.is_struct(kind.value_type) or types.is_null(kind.value_type)):
        rule = f"a column of lists of structs of {', '.join(inner)}"
        faults.add(Problem(name, "type", str(kind), rule))
        return
    if types.is_null(kind.value_type):
        return
    fields = list(kind.value_type)
    names = [field.name for field in fields]
    for required in inner:
        if required.endswith(("asset", "symbol")) and required not in names:
            faults.add(Problem(f"{name}.{required}", "is a field that must be there"))
    for field in fields:
        path = f"{name}.{field.name}"
        if field.name not in inner:
            faults.add(Problem(path, f"is not a known field: {', '.join(sorted(inner))}"))
        elif names.count(field.name) > 1:
            faults.add(Problem(path, "is a field that must be there once"))
        else:
            _add(faults, type_problem(path, field.type, inner[field.name]))
