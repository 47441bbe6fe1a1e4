"""polars by an expert: one lazy query, the first tier for all, an as-of join for the few beyond."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import polars as pl

from benchmarks.book import Book
from benchmarks.peers import Answer, Floats, classic_actions

NAME = "polars, expert"
NEEDS = ("polars",)


def prepare(book: Book, threads: int = 1) -> Callable[[Floats], Answer]:
    if threads != pl.thread_pool_size():
        raise RuntimeError(f"polars runs on {pl.thread_pool_size()} threads, set before its import")
    steps, n_assets = book.collateral, len(book.assets)
    positions = pl.DataFrame(
        {
            "account": pl.Series(book.account_of_position()).set_sorted(),
            "asset": book.asset_ids.astype(np.uint32),
            "owned": book.owned,
            "owed": book.owed,
        }
    ).lazy()
    floors = np.concatenate([np.zeros((len(steps.caps), 1)), steps.caps[:, :-1]], axis=1)
    tiers = pl.concat(
        pl.DataFrame(
            {
                "schedule": np.full(count, number),
                "floor": floors[number, :count],
                "tier_rate": steps.rates[number, :count],
                "offset": steps.offsets[number, :count],
            }
        )
        for number, count in enumerate(steps.counts)
    ).sort("floor").lazy()  # fmt: skip
    accounts = pl.DataFrame(
        {"account": np.arange(len(book), dtype=np.int32)}
        | {f"t{k}": book.classic_thresholds[book.leverage_class, k] for k in range(4)}
    ).lazy()
    first_cap, first_rate = (part[steps.of_asset, 0] for part in (steps.caps, steps.rates))
    schedule = pl.Series("schedule", steps.of_asset)
    actions_of = pl.Series(classic_actions())
    assert n_assets == len(schedule)

    def run(price: Floats) -> Answer:
        def of_asset(values: Floats) -> pl.Expr:
            return pl.lit(pl.Series(values)).gather(pl.col("asset"))

        valued = positions.with_columns(
            value=pl.col("owned") * of_asset(price),
            first=pl.col("owned") * of_asset(price * first_rate),
            debt=pl.col("owed") * of_asset(price),
        )
        sums = valued.group_by("account").agg(pl.col("value", "first", "debt").sum())
        beyond = (
            positions.filter(pl.col("owned") > of_asset(first_cap / price))
            .with_columns(
                value=pl.col("owned") * of_asset(price),
                first_rate=of_asset(first_rate),
                schedule=pl.lit(schedule).gather(pl.col("asset")),
            )
            .sort("value")
            .join_asof(
                tiers, left_on="value", right_on="floor", by="schedule", check_sortedness=False
            )
            .group_by("account")
            .agg(
                change=(
                    (pl.col("tier_rate") - pl.col("first_rate")) * pl.col("value")
                    + pl.col("offset")
                ).sum()
            )
        )
        found = (
            sums.join(beyond, on="account", how="left")
            .with_columns(collateral=pl.col("first") + pl.col("change").fill_null(0.0))
            .sort("account")
            .collect()
        )
        levels = pl.concat(
            [found.lazy(), accounts.select("t0", "t1", "t2", "t3")], how="horizontal"
        ).select(
            "t0", "t1", "t2", "t3",
            level=pl.col("value") / pl.col("debt"),
            second=pl.col("collateral") / pl.col("debt"),
        )  # fmt: skip
        bits = (
            (pl.col("level") <= pl.col("t0")).cast(pl.UInt32)
            + (pl.col("level") <= pl.col("t1")).cast(pl.UInt32) * 2
            + (pl.col("second") <= pl.col("t2")).cast(pl.UInt32) * 4
            + (pl.col("second") <= pl.col("t3")).cast(pl.UInt32) * 8
        )
        done = levels.select("level", "second", actions=pl.lit(actions_of).gather(bits)).collect()
        return Answer(*(done[name].to_numpy() for name in ("level", "second", "actions")))

    return run
