"""DuckDB by an expert: a small table of assets joined in, tiers as CASE, one aggregation."""

from __future__ import annotations

from collections.abc import Callable

import duckdb
import numpy as np

from benchmarks.book import Book
from benchmarks.peers import Answer, Floats

NAME = "DuckDB, CASE"
NEEDS = ("duckdb",)


def _case(book: Book) -> str:
    """Write the later tiers of each schedule as one expression over ``value``."""
    steps = book.collateral
    branches = []
    for number, count in enumerate(steps.counts.tolist()):
        caps, *lines = (part[number].tolist() for part in (steps.caps, steps.rates, steps.offsets))
        values = [
            f"{rate!r}::DOUBLE * value + {offset!r}::DOUBLE"
            for rate, offset in zip(*lines, strict=True)
        ]
        later = [f"WHEN value <= {caps[k]!r}::DOUBLE THEN {values[k]}" for k in range(1, count - 1)]
        tiers = f"CASE {' '.join(later)} ELSE {values[count - 1]} END" if later else values[-1]
        branches.append(f"WHEN {number} THEN {tiers}")
    return f"CASE schedule {' '.join(branches)} END"


def prepare(book: Book, threads: int = 1) -> Callable[[Floats], Answer]:
    steps = book.collateral
    database = duckdb.connect()
    database.execute(f"SET threads = {threads}")
    database.execute("SET preserve_insertion_order = false")
    positions = {
        "account": book.account_of_position(),
        "asset": book.asset_ids.astype(np.int32),
        "owned": book.owned,
        "owed": book.owed,
    }
    limits = book.classic_thresholds[book.leverage_class]
    accounts = {"account": np.arange(len(book), dtype=np.int32)}
    accounts |= {f"t{k}": np.ascontiguousarray(limits[:, k]) for k in range(4)}
    database.register("given_positions", positions)
    database.register("given_accounts", accounts)
    database.execute("CREATE TABLE positions AS SELECT * FROM given_positions ORDER BY account")
    database.execute("CREATE TABLE accounts AS SELECT * FROM given_accounts ORDER BY account")
    first_cap, first_rate = (part[steps.of_asset, 0] for part in (steps.caps, steps.rates))
    n = len(book)
    query = f"""
        WITH valued AS (
            SELECT account, schedule, first_cap, first_rate, owned * price AS value,
                   owed * price AS debt
            FROM positions JOIN assets USING (asset)),
        sums AS (
            SELECT account, sum(value) AS total, sum(debt) AS liability,
                   sum(CASE WHEN value <= first_cap THEN first_rate * value
                       ELSE {_case(book)} END) AS collateral
            FROM valued GROUP BY account),
        levels AS (
            SELECT account, t0, t1, t2, t3,
                   CASE WHEN liability > 0 THEN total / liability ELSE 'inf'::DOUBLE END AS level,
                   CASE WHEN liability > 0 THEN collateral / liability
                        ELSE 'inf'::DOUBLE END AS second
            FROM sums JOIN accounts USING (account))
        SELECT account, level, second,
               (CASE WHEN level <= t0 THEN 16 WHEN level <= t1 THEN 9
                ELSE 1 + CASE WHEN second > t2 THEN 2 ELSE 0 END
                       + CASE WHEN second > t3 THEN 4 ELSE 0 END END)::USMALLINT AS actions
        FROM levels"""

    def run(price: Floats) -> Answer:
        assets = {
            "asset": np.arange(len(price), dtype=np.int32),
            "price": price,
            "schedule": steps.of_asset.astype(np.int32),
            "first_cap": first_cap,
            "first_rate": first_rate,
        }
        database.register("assets", assets)
        found = database.execute(query).fetchnumpy()
        account = found["account"]
        answer = Answer(np.empty(n), np.empty(n), np.empty(n, np.uint16))
        for target, name in zip(answer, ("level", "second", "actions"), strict=True):
            target[account] = found[name]
        return answer

    return run
