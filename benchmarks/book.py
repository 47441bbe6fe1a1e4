"""The book that passes, peers and limits are compared on: plain arrays, the same for a seed.

Its shape: 5.22 positions an account (median 4, p90 11, p99 27, at most 40), 400 assets by Zipf's
law, 11 ranks of up to 16 collateral tiers, 8 classes of up to 12 liability brackets, 1.28 % of the
positions beyond their first collateral tier, 44 % of the accounts without debt.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
import numpy.typing as npt

import pymargin as pm
from pymargin.example import example_prices

Floats = npt.NDArray[np.float64]

MAX_POSITIONS = 40
# Of ln(positions - 1 or more): found by trial, for the mean and the quantiles above.
_LOG_MEAN, _LOG_DEVIATION = 1.14, 0.92
_IN_DEBT = 0.56
CLASSIC_METHODOLOGIES = ("classic_2023", "classic_2026_01", "classic_2026_06")


@dataclass(frozen=True)
class Steps:
    """All distinct schedules of a table: value(v) = rate * v + offset for previous cap < v <= cap.

    ``caps``, ``rates``, ``offsets`` float64[schedules, steps] are padded with the last step, whose
    cap is infinite; ``of_asset`` int64[assets] names the schedule; ``last_cap`` float64[schedules]
    is infinite where the last tier is open; ``excess_counts`` says whether the last rate goes on.
    """

    caps: Floats
    rates: Floats
    offsets: Floats
    counts: npt.NDArray[np.int64]
    of_asset: npt.NDArray[np.int64]
    last_cap: Floats


@dataclass(frozen=True)
class Book:
    """One book as plain arrays in compressed rows, with prices, rules and their tables."""

    offsets: npt.NDArray[np.int64]
    asset_ids: npt.NDArray[np.uint16]
    free: Floats
    locked: Floats
    borrowed: Floats
    interest: Floats
    leverage: npt.NDArray[np.uint8]
    assets: tuple[str, ...]
    price: Floats
    rules: pm.MarginRules
    collateral: Steps
    maintenance: Steps
    initial: Steps
    # Liquidation, margin call, borrow, transfer-out by leverage: float64[2, 4] for 3 and 5.
    classic_thresholds: Floats
    # Liquidation, margin call, transfer-out.
    pro_thresholds: Floats

    def __len__(self) -> int:
        return len(self.offsets) - 1

    @property
    def n_positions(self) -> int:
        return len(self.asset_ids)

    @property
    def owned(self) -> Floats:
        return self.free + self.locked

    @property
    def owed(self) -> Floats:
        return self.borrowed + self.interest

    @property
    def leverage_class(self) -> npt.NDArray[np.int64]:
        """Row of ``classic_thresholds`` of each account."""
        return np.where(self.leverage == 5, 1, 0)

    def account_of_position(self) -> npt.NDArray[np.int32]:
        return np.repeat(np.arange(len(self), dtype=np.int32), np.diff(self.offsets))

    def head(self, n: int) -> Book:
        """Return the first n accounts."""
        end = int(self.offsets[min(n, len(self))])
        cut = {
            name: getattr(self, name)[:end]
            for name in ("asset_ids", "free", "locked", "borrowed", "interest")
        }
        return replace(self, offsets=self.offsets[: n + 1], leverage=self.leverage[:n], **cut)

    def accounts(self) -> pm.Accounts:
        """Return a book of pymargin that was never evaluated; no large array is copied."""
        return pm.Accounts.from_arrays(
            ids=np.arange(len(self)),
            offsets=self.offsets,
            assets=self.assets,
            asset_ids=self.asset_ids,
            free=self.free,
            locked=self.locked,
            borrowed=self.borrowed,
            interest=self.interest,
            leverage=self.leverage,
        )

    def rules_under(self, methodology: str) -> pm.MarginRules:
        """Return the rules with another methodology of Cross Margin Classic."""
        return self.rules.replace(
            methodology={**self.rules.methodology, "cross_classic": methodology}
        )

    def share_beyond(self) -> float:
        """Return the share of positions that stand beyond their first collateral tier."""
        first = self.collateral.caps[self.collateral.of_asset[self.asset_ids], 0]
        return float(np.mean(self.owned * self.price[self.asset_ids] > first))


def make_book(
    n: int = 1_000_000,
    *,
    positions: int | None = None,
    share_beyond: float = 0.0128,
    seed: int = 0,
) -> Book:
    """Return a book of n accounts.

    ``positions``: of every account, drawn where absent; ``share_beyond``: of the positions that
    stand beyond their first collateral tier, up to 0.5.
    """
    if positions is not None and not 1 <= positions <= MAX_POSITIONS:
        raise ValueError(f"positions must be from 1 to {MAX_POSITIONS}, not {positions}")
    if not 0 <= share_beyond <= 0.5:
        raise ValueError(f"share_beyond must be from 0 to 0.5, not {share_beyond}")
    rng = np.random.Generator(np.random.PCG64(seed))
    rules = pm.example_rules()
    by_name = example_prices()
    assets = tuple(by_name)
    price = np.array([by_name[name] for name in assets])
    collateral = _steps(rules, "collateral", assets, excess_counts=False)
    counts = _counts(rng, n) if positions is None else np.full(n, positions)
    offsets = np.concatenate([[0], np.cumsum(counts)]).astype(np.int64)
    ids = _assets(rng, offsets, len(assets))
    first_cap = collateral.caps[collateral.of_asset[ids], 0]

    row = np.repeat(np.arange(n), counts)
    in_debt = rng.random(n) < _IN_DEBT
    is_debt = in_debt[row] & (rng.random(len(ids)) < 0.2)
    # Whoever is in debt owes at least one asset, and every account holds at least one.
    some = offsets[:-1] + rng.integers(0, counts)
    is_debt[some[in_debt]] = True
    is_held = ~is_debt | (rng.random(len(ids)) < 0.25)
    is_held[offsets[:-1] + rng.integers(0, counts)] = True

    worth = np.ldexp(1 + rng.random(n), rng.integers(4, 16, n))[row]
    value = worth * _shares(rng, is_held, offsets)
    value = np.minimum(value, 0.9 * first_cap)
    total = np.add.reduceat(value, offsets[:-1])
    cover = np.exp(rng.normal(0.75, 0.6, n))
    debt = np.minimum(total / cover, 9 * total)[row] * _shares(rng, is_debt, offsets)
    is_beyond = is_held & (rng.random(len(ids)) < min(1.0, share_beyond / is_held.mean()))
    value = np.where(is_beyond, first_cap * (1.01 + 20 * rng.random(len(ids)) ** 2), value)

    held = np.round(value / price[ids], 8)
    locked = np.where(rng.random(len(ids)) < 0.15, np.round(held * rng.random(len(ids)), 8), 0.0)
    borrowed = np.round(debt / price[ids], 8)
    return Book(
        offsets=offsets,
        asset_ids=ids,
        free=np.round(held - locked, 8),
        locked=locked,
        borrowed=borrowed,
        interest=np.round(borrowed * rng.random(len(ids)) * 0.001, 8),
        leverage=np.where(rng.random(n) < 0.6, 5, 3).astype(np.uint8),
        assets=assets,
        price=price,
        rules=rules,
        collateral=collateral,
        maintenance=_steps(rules, "liability_maintenance", assets, excess_counts=True),
        initial=_steps(rules, "liability_initial", assets, excess_counts=True),
        classic_thresholds=_classic_thresholds(rules),
        pro_thresholds=_pro_thresholds(rules),
    )


def _counts(rng: np.random.Generator, n: int) -> npt.NDArray[np.int64]:
    drawn = 1 + np.exp(rng.normal(_LOG_MEAN, _LOG_DEVIATION, n)).astype(np.int64)
    return np.minimum(drawn, MAX_POSITIONS)


def _assets(
    rng: np.random.Generator, offsets: npt.NDArray[np.int64], n_assets: int
) -> npt.NDArray[np.uint16]:
    """Draw assets, the k-th with a probability of 1/k; again where an account has one twice."""
    weights = np.cumsum(1 / np.arange(1, n_assets + 1))
    weights /= weights[-1]

    def draw(size: int) -> npt.NDArray[np.int64]:
        return np.searchsorted(weights, rng.random(size), side="right")

    row = np.repeat(np.arange(len(offsets) - 1), np.diff(offsets))
    ids = draw(int(offsets[-1]))
    open_rows = np.arange(len(ids))
    while len(open_rows):
        keys = row[open_rows] * n_assets + ids[open_rows]
        order = np.argsort(keys, kind="stable")
        keys = keys[order]
        again = open_rows[order[1:][keys[1:] == keys[:-1]]]
        ids[again] = draw(len(again))
        # Only accounts that were drawn for again can clash now.
        affected = np.zeros(len(offsets) - 1, dtype=np.bool_)
        affected[row[again]] = True
        open_rows = open_rows[affected[row[open_rows]]]
    return ids.astype(np.uint16)


def _shares(
    rng: np.random.Generator, wanted: npt.NDArray[np.bool_], offsets: npt.NDArray[np.int64]
) -> Floats:
    """Return random parts of 1 for the wanted positions of each account; others 0."""
    weights = np.where(wanted, 0.02 + rng.random(len(wanted)), 0.0)
    totals = np.add.reduceat(weights, offsets[:-1])
    shares: Floats = weights / np.repeat(np.where(totals == 0, 1.0, totals), np.diff(offsets))
    return shares


def _steps(
    rules: pm.MarginRules, table: str, assets: tuple[str, ...], *, excess_counts: bool
) -> Steps:
    return steps_of([rules.tiers(table, name) for name in assets], excess_counts=excess_counts)


def steps_of(schedules: Sequence[tuple[pm.Tier, ...]], *, excess_counts: bool) -> Steps:
    """Return the schedules of assets or symbols as float64 steps of rate * v + offset."""
    numbers: dict[tuple[pm.Tier, ...], int] = {}
    of_asset = [numbers.setdefault(tiers, len(numbers)) for tiers in schedules]
    size = max(map(len, numbers)) + 1
    caps, rates, offsets = (np.zeros((len(numbers), size)) for _ in range(3))
    counts, last_cap = [], []
    for tiers, number in numbers.items():
        cap = [np.inf if tier.cap is None else float(tier.cap) for tier in tiers]
        rate = [float(tier.rate) for tier in tiers]
        last_cap.append(cap[-1])
        if np.isfinite(cap[-1]) and not excess_counts:
            cap.append(np.inf)
            rate.append(0.0)
        cap[-1] = np.inf
        offset = [0.0]
        for k in range(1, len(cap)):
            offset.append(offset[-1] + cap[k - 1] * (rate[k - 1] - rate[k]))
        counts.append(len(cap))
        for target, values in ((caps, cap), (rates, rate), (offsets, offset)):
            target[number, : len(values)] = values
            target[number, len(values) :] = values[-1]
    return Steps(
        caps, rates, offsets, np.array(counts), np.array(of_asset, np.int64), np.array(last_cap)
    )


def _limit(limit: object, leverage: int) -> float:
    return float(limit[leverage] if hasattr(limit, "keys") else limit)  # type: ignore[index,arg-type]


def _classic_thresholds(rules: pm.MarginRules) -> Floats:
    mode = rules.thresholds["cross_classic"]
    limits = [line.at_most for line in mode.lines] + [grant.above for grant in mode.grants]
    assert [line.actions for line in mode.lines] == [("LIQUIDATE",), ("TRADE", "MARGIN_CALL")]
    assert [grant.action for grant in mode.grants] == ["BORROW", "TRANSFER_OUT"]
    return np.array([[_limit(limit, leverage) for limit in limits] for leverage in (3, 5)])


def _pro_thresholds(rules: pm.MarginRules) -> Floats:
    mode = rules.thresholds["cross_pro"]
    out = next(grant.above for grant in mode.grants if grant.action == "TRANSFER_OUT")
    return np.array([_limit(limit, 3) for limit in (*(x.at_most for x in mode.lines), out)])
