"""The C++ core of pymargin."""

from collections.abc import Sequence
from typing import Any, TypeAlias

import numpy as np
import numpy.typing as npt

_Array: TypeAlias = npt.NDArray[Any]

class Schedules:
    def __init__(
        self,
        begin: _Array,
        steps: _Array,
        decimals: _Array,
        last_caps: _Array,
        last_cap_decimals: _Array,
    ) -> None: ...
    def inverse(self, schedule: int, values: _Array) -> npt.NDArray[np.float64]: ...
    def rate(self, schedule: int, values: _Array) -> npt.NDArray[np.float64]: ...
    def rate_above(self, schedule: int, values: _Array) -> npt.NDArray[np.float64]: ...
    def value(self, schedule: int, values: _Array) -> npt.NDArray[np.float64]: ...

class Book:
    def __init__(
        self,
        offsets: _Array,
        asset_ids: _Array,
        free: _Array,
        locked: _Array,
        borrowed: _Array,
        interest: _Array,
        order_offsets: _Array,
        order_give_ids: _Array,
        order_get_ids: _Array,
        order_give_quantity: _Array,
        order_get_quantity: _Array,
        open_order_loss: _Array,
    ) -> None: ...
    def holders(self, n_assets: int) -> tuple[_Array, _Array]: ...
    def prepare(self, threads: int) -> None: ...
    def slot_accounts(self) -> _Array: ...
    @property
    def is_prepared(self) -> bool: ...
    @property
    def n_accounts(self) -> int: ...
    @property
    def slot_bytes(self) -> int: ...

class Decisions:
    def __init__(
        self, test_levels: _Array, thresholds: _Array, threshold_decimals: _Array, actions: _Array
    ) -> None: ...

class PoolMarket:
    def __init__(
        self,
        pools: Pools,
        schedules: Schedules,
        price: _Array,
        weight: _Array,
        given_price: _Array,
        contract_size: _Array,
        schedule_ids: _Array,
        gaps: Any,
    ) -> None: ...

class Pools:
    def __init__(
        self,
        balances: Sequence[_Array],
        loan_leverage: _Array,
        wallets: Sequence[_Array],
        positions: Sequence[_Array],
        multi_assets: Any,
        contracts: Sequence[_Array],
        loan_rates: Sequence[tuple[int, int, int]],
        open_order_loss: _Array,
        orders: Sequence[_Array],
        n_assets: int,
        in_one: bool,
    ) -> None: ...
    @property
    def has_gaps(self) -> bool: ...
    def keys(self) -> tuple[npt.NDArray[np.int64], ...]: ...
    def prepare(self, market: PoolMarket, threads: int) -> None: ...
    def slot_accounts(self) -> _Array: ...
    @property
    def is_prepared(self) -> bool: ...
    @property
    def n_pools(self) -> int: ...
    @property
    def n_rows(self) -> int: ...

def check_balances(
    offsets: _Array,
    asset_ids: _Array,
    free: _Array,
    locked: _Array,
    borrowed: _Array,
    interest: _Array,
    n_assets: int,
    max_problems: int,
) -> list[tuple[int, int, int]]: ...
def check_positions(
    offsets: _Array,
    symbol_ids: _Array,
    quantity: _Array,
    entry_price: _Array,
    leverage: _Array,
    side: _Array,
    isolated_margin: _Array,
    n_symbols: int,
    max_problems: int,
) -> list[tuple[int, int, int]]: ...
def check_wallets(
    offsets: _Array, asset_ids: _Array, balance: _Array, n_assets: int, max_problems: int
) -> list[tuple[int, int, int]]: ...
def evaluate(
    kernel: str,
    book: Book,
    schedules: Schedules,
    price: _Array,
    schedule_ids: _Array,
    gaps: Any,
    decisions: Decisions,
    class_of: Any,
    slot_class_of: Any,
    levels: Sequence[Any],
    totals: Sequence[Any],
    actions: Any,
    in_slot_order: bool,
    threads: int,
) -> None: ...
def evaluate_grid(
    kernel: str,
    book: Book,
    schedules: Schedules,
    price: _Array,
    schedule_ids: _Array,
    gaps: Any,
    decisions: Decisions,
    class_of: Any,
    prices: _Array,
    liquidation_test: int,
    levels: Sequence[Any],
    actions: Any,
    worst_level: Any,
    worst_scenario: Any,
    action_counts: Any,
    shortfall: Any,
    threads: int,
) -> None: ...
def evaluate_pool_grid(
    kernel: str,
    pools: Pools,
    market: PoolMarket,
    decisions: Decisions,
    n_lines: int,
    class_of: Any,
    prices: _Array,
    weights: _Array,
    units: _Array,
    liquidation_test: int,
    levels: Sequence[Any],
    actions: Any,
    worst_level: Any,
    worst_scenario: Any,
    action_counts: Any,
    shortfall: Any,
    threads: int,
) -> None: ...
def evaluate_pools(
    kernel: str,
    pools: Pools,
    market: PoolMarket,
    decisions: Decisions,
    class_of: Any,
    slot_class_of: Any,
    levels: Sequence[Any],
    totals: Sequence[Any],
    actions: Any,
    threads: int,
) -> None: ...
def evaluate_futures(
    pools: Pools,
    market: PoolMarket,
    decisions: Decisions,
    unit: _Array,
    actions_of_line: _Array,
    actions_of_grants: _Array,
    levels: Sequence[Any],
    totals: Sequence[Any],
    ratio: Any,
    actions: Any,
    threads: int,
) -> None: ...
def combine_pools(
    pools: Pools,
    is_isolated: Any,
    unit: Any,
    levels: Any,
    pool_amounts: Any,
    codes: Any,
    actions_of_line: Any,
    actions_of_grants: Any,
    level: Any,
    ratio: Any,
    amounts: Any,
    actions: Any,
    threads: int,
) -> None: ...
def evaluate_positions(
    pools: Pools,
    market: PoolMarket,
    notional: Any,
    unrealized_pnl: Any,
    maintenance_margin: Any,
    initial_margin: Any,
) -> None: ...
def exact_level(
    kernel: str,
    book: Book,
    schedules: Schedules,
    price: _Array,
    schedule_ids: _Array,
    decisions: Decisions,
    account: int,
    level: int,
) -> tuple[int, int, int, int]: ...
def exact_pool_level(
    kernel: str, pools: Pools, market: PoolMarket, pool: int, level: int
) -> tuple[tuple[int, int, int], tuple[int, int, int]]: ...
def force_implementation(name: str) -> None: ...
def implementation() -> str: ...
def pool_roots(
    kernel: str,
    pools: Pools,
    market: PoolMarket,
    due: Decisions,
    class_of: npt.NDArray[np.uint32] | None,
    first: npt.NDArray[np.int64],
    last: npt.NDArray[np.int64],
    last_exposed: npt.NDArray[np.int64],
    weights: npt.NDArray[np.float64],
    base: float,
    scale: float,
    reach: tuple[float, float] | None,
    exact: bool,
    below: npt.NDArray[np.float64],
    above: npt.NDArray[np.float64],
    reason: npt.NDArray[np.uint8],
    unpriced: npt.NDArray[np.uint16],
    threads: int,
) -> tuple[int, int, int]: ...
def largest_loans(
    pools: Pools,
    market: PoolMarket,
    withdrawal: str,
    leverage: _Array,
    price: float,
    out: Any,
    threads: int,
) -> None: ...
def pool_rooms(
    kernel: str,
    pools: Pools,
    market: PoolMarket,
    refused: Decisions,
    class_of: Any,
    withdrawal: str,
    subjects: _Array,
    row: int,
    most: _Array,
    out: Any,
    threads: int,
) -> None: ...
def pool_shortfalls(
    kernel: str,
    pools: Pools,
    market: PoolMarket,
    decisions: Decisions,
    class_of: Any,
    out: Any,
    threads: int,
) -> None: ...
def read_limit(book: Book, threads: int) -> int: ...
def read_write_limit(book: Book, level_a: Any, level_b: Any, actions: Any, threads: int) -> int: ...
def roots(
    kernel: str,
    book: Book,
    schedules: Schedules,
    price: npt.NDArray[np.float64],
    schedule_ids: npt.NDArray[np.int32],
    gaps: npt.NDArray[np.uint16] | None,
    due: Decisions,
    class_of: npt.NDArray[np.uint32] | None,
    weights: npt.NDArray[np.float64],
    base: float,
    scale: float,
    reach: tuple[float, float] | None,
    exact: bool,
    below: npt.NDArray[np.float64],
    above: npt.NDArray[np.float64],
    reason: npt.NDArray[np.uint8],
    unpriced: npt.NDArray[np.uint16],
    threads: int,
) -> tuple[int, int, int]: ...
def rooms(
    kernel: str,
    book: Book,
    schedules: Schedules,
    price: _Array,
    schedule_ids: _Array,
    gaps: Any,
    refused: Decisions,
    class_of: Any,
    asset: int,
    held: float,
    owed: float,
    most: _Array,
    out: Any,
    threads: int,
) -> None: ...
def shortfalls(
    kernel: str,
    book: Book,
    schedules: Schedules,
    price: _Array,
    schedule_ids: _Array,
    gaps: Any,
    decisions: Decisions,
    class_of: Any,
    out: Any,
    threads: int,
) -> None: ...
