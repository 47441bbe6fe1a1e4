"""Notices of our own: random tables that keep every law, printed in each layout that is seen."""

from __future__ import annotations

import random
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from html import escape

from pymargin.notices import Change
from pymargin.rules.schedules import Tier

START = datetime(2031, 3, 10, 6, 0, tzinfo=UTC)
HALF_AN_HOUR, HOUR = timedelta(minutes=30), timedelta(hours=1)
NAMES = """
    ADA SUI XRP LTC W A C98 1000CHEEMS 1INCH DOGE STRK FET WIF NEIRO QTUM OP JTO POL VIRTUAL
    1MBABYDOGE S TIA 0G BANANAS31 A2Z ONT ENA JUV BAR ATM RIF
""".split()  # noqa: SIM905
CAPS = [
    base * 10**power for power in range(3, 9) for base in (1, 2, 3, 4, 5, 6, 7, 8)
] + [7_500, 12_500, 62_500, 125_000, 750_000, 1_500_000, 4_500_000, 12_500_000]  # fmt: skip
LEVERAGES = (1, 2, 3, 4, 5, 10, 15, 20, 25, 40, 50, 75, 100, 125, 150)
RATES = {
    1: "50.00", 2: "25.00", 3: "16.67", 4: "12.50", 5: "10.00", 10: "5.00", 15: "3.33", 20: "2.50",
    25: "2.00", 40: "1.75", 50: "1.50", 75: "1.00", 100: "0.65", 125: "0.50", 150: "0.40",
}  # fmt: skip


@dataclass
class Printed:
    """A table as its cells; None is a cell that the one above it covers."""

    intro: str
    head: list[list[str]]
    rows: list[list[str | None]]
    changes: list[Change] = field(default_factory=list)

    def plain(self) -> str:
        cells = [cell for row in [*self.head, *self.rows] for cell in row if cell is not None]
        return f"{self.intro}\n\n{''.join(cells)}"

    def tabbed(self) -> str:
        rows = [*self.head, *self.rows]
        return self.intro + "\n\n" + "\n".join("\t".join(c or "" for c in row) for row in rows)

    def markdown(self) -> str:
        rows = [*self.head[:1], ["---"] * len(self.head[-1]), *self.head[1:], *self.rows]
        lines = ["| " + " | ".join(cell or "" for cell in row) + " |" for row in rows]
        return f"{self.intro}\n\n" + "\n".join(lines)

    def html(self) -> str:
        head = "".join(f"<tr>{''.join(map(_th, row))}</tr>" for row in self.head)
        rows = []
        for place, row in enumerate(self.rows):
            cells = []
            for column, cell in enumerate(row):
                if cell is None:
                    continue
                span = 1
                while place + span < len(self.rows) and self.rows[place + span][column] is None:
                    span += 1
                cells.append(f'<td rowspan="{span}"><p>{escape(cell)}</p></td>')
            rows.append(f"<tr>{''.join(cells)}</tr>")
        return f"<p>{escape(self.intro)}</p><table>{head}{''.join(rows)}</table>"


def _th(text: str) -> str:
    return f"<th>{escape(text)}</th>"


def moment(at: datetime) -> str:
    return f"{at:%Y-%m-%d %H:%M} (UTC)"


def comma(number: Decimal | int) -> str:
    return f"{number:,}"


def percent(rate: Decimal, places: int) -> str:
    return f"{rate * 100:.{places}f}%"


def asset_ranks(rng: random.Random, *, names_last: bool) -> Printed:
    at = START + timedelta(days=rng.randrange(5))
    names = rng.sample(NAMES, rng.randint(2, 12))
    old_head, new_head = "Asset No. Before Adjustment", "Asset No. After Adjustment"
    rows, changes = [], []
    while names:
        group = [
            names.pop() for _ in range(min(len(names), rng.randint(1, 3) if names_last else 1))
        ]
        old = rng.randint(2, 10)
        # 1 and 2 would read as 12, and the reader says so.
        near = [rank for rank in range(1, 17) if 0 < abs(rank - old) < 4]
        new = rng.choice([rank for rank in near if int(f"{old}{rank}") > 16])
        cells = [str(old), str(new)]
        listed = ", ".join(group)
        rows.append([*cells, listed] if names_last else [listed, *cells])
        changes += [
            Change("cross_margin", "rank", name, at, HALF_AN_HOUR, old, new) for name in group
        ]
    head = [old_head, new_head, "Assets"] if names_last else ["Assets", old_head, new_head]
    intro = f"Cross Margin: these assets get other numbers at {moment(at)}, done in 30 minutes:"
    intro = intro.replace("done in", "completed within")
    return Printed(intro, [head], rows, changes)


def falling_tiers(rng: random.Random, open_cap: int, first: str = "1") -> tuple[Tier, ...]:
    size = rng.randint(2, 7)
    caps = sorted(rng.sample(CAPS, size - 1))
    rates = sorted(rng.sample(range(39), size - 1), reverse=True)
    values = [Decimal(first), *(Decimal(rate) / 40 for rate in rates)]
    floors = [0, *caps]
    return tuple(
        Tier(Decimal(floor), Decimal(cap), rate)
        for floor, cap, rate in zip(floors, [*caps, open_cap], values, strict=True)
    )


def rank_tiers(rng: random.Random) -> Printed:
    first = rng.randint(1, 9)
    ranks = range(first, rng.randint(first + 1, 16))
    rows, changes = [], []
    for rank in ranks:
        tiers = falling_tiers(rng, 100_000_000_000)
        caps = [*(comma(tier.cap) for tier in tiers[:-1]), "100,000,000,000"]
        for place, (tier, cap) in enumerate(zip(tiers, caps, strict=True)):
            shown = f"{comma(tier.floor)} - {cap}"
            rows.append([str(rank) if not place else None, shown, percent(tier.rate, 2)])
        changes.append(Change("cross_margin", "tiers", rank, START, HALF_AN_HOUR, None, tiers))
    listed = ", ".join(map(str, ranks))
    intro = (
        f"Cross Margin numbers will change at {moment(START)}, to be completed within 30 minutes. "
        f"Assets no. {listed} then hold the following:"
    )
    return Printed(intro, [["Asset No.", "Tiers (USD)", "Collateral Ratio"]], rows, changes)


def flat_ratios(rng: random.Random) -> Printed:
    n_ranks = rng.randint(3, 12)
    steps = sorted((rng.randrange(0, 40) for _ in range(n_ranks)), reverse=True)
    rows, changes = [], []
    for rank, step in enumerate(steps, start=1):
        rate = Decimal(step) / 40
        shown = f"{(rate * 100).normalize():f}%"
        rows.append([str(rank), "0 - 100,000,000,000", shown, shown])
        changes += [
            Change("cross_margin", table, rank, START, HOUR, None, rate)
            for table in ("borrow_rate", "transfer_out_rate")
        ]
    intro = f"Ratios of Cross Margin will be updated at {moment(START)}, completed within one hour:"
    return Printed(intro, [["Token Rank", "Value (USD)", "Borrow", "Transfer-Out"]], rows, changes)


def portfolio_rates(rng: random.Random) -> Printed:
    names = rng.sample(NAMES, rng.randint(1, 12))
    rows, changes = [], []
    for name in names:
        old, new = (Decimal(step) / 20 for step in rng.sample(range(1, 20), 2))
        rows.append([name, percent(old, 0), percent(new, 0)])
        changes.append(Change("portfolio", "rate", name, START, HALF_AN_HOUR, old, new))
    head = ["Assets (Portfolio Margin)", "Collateral Ratio (Before)", "Collateral Ratio (After)"]
    intro = f"Portfolio Margin will change at {moment(START)}, completed within 30 minutes:"
    return Printed(intro, [head], rows, changes)


def pro_tiers(rng: random.Random, *, ranks_in_cells: bool) -> Printed:
    old, new = rng.sample(range(1, 12), 2)
    while abs(old - new) > 4:
        old, new = rng.sample(range(1, 12), 2)
    names = rng.sample(NAMES, rng.randint(1, 3))
    sides = [falling_tiers(rng, 99_999_999_999) for _ in range(2)]
    rows: list[list[str | None]] = []
    for place in range(max(map(len, sides))):
        row: list[str | None] = [",".join(names) if not place else None]
        for tiers, rank in zip(sides, (old, new), strict=True):
            row += _pro_cells(tiers, place, rank if ranks_in_cells else None)
        rows.append(row)
    at = (START, HALF_AN_HOUR)
    changes = [Change("portfolio_pro", "rank", name, *at, old, new) for name in names]
    changes.append(Change("portfolio_pro", "tiers", old, *at, sides[0], None))
    changes.append(Change("portfolio_pro", "tiers", new, *at, None, sides[1]))
    cells = ["Floor(USD)", "Cap(USD)", "Collateral Ratio"]
    if ranks_in_cells:
        head = [["Asset (PM Pro)", "Before", "After"], [*(["Rank", *cells] * 2)]]
    else:
        tiers_head = ["Tier (USD)", "Collateral Ratio"] * 2
        head = [["Asset (PM Pro)", f"Before (Rank {old})", f"After (Rank {new})"], tiers_head]
        head.append(["Floor", "Cap"] * 2)
    intro = f"Portfolio Margin Pro will change at {moment(START)}, completed within 30 minutes:"
    return Printed(intro, head, rows, changes)


def _pro_cells(tiers: tuple[Tier, ...], place: int, rank: int | None) -> list[str | None]:
    ranked: list[str | None] = [] if rank is None else [str(rank) if not place else None]
    if place == len(tiers):
        return [*ranked, "---", None, None]
    if place > len(tiers):
        return [*ranked, None, None, None]
    tier = tiers[place]
    cap = "99,999,999,999" if tier.cap is None else comma(tier.cap)
    return [*ranked, comma(tier.floor), cap, percent(tier.rate, 0) if tier.rate * 100 % 1 == 0
            else percent(tier.rate, 1)]  # fmt: skip


def rising_tiers(rng: random.Random) -> tuple[tuple[str, Tier], ...]:
    """Draw tiers of leverage, with each range of leverage as it is printed."""
    top = rng.randint(5, len(LEVERAGES) - 1)
    middle = sorted(rng.sample(LEVERAGES[1:top], rng.randint(2, top - 1)), reverse=True)
    highs = [LEVERAGES[top], *middle, 1]
    caps = sorted(rng.sample(CAPS, len(highs)))
    found = []
    for place, high in enumerate(highs):
        low = highs[place + 1] + 1 if place + 1 < len(highs) else 1
        shown = f"{low} - {high}x" if low < high else f" {high}x"
        rate = Decimal(RATES[high]) / 100
        floor = caps[place - 1] if place else 0
        found.append((shown, Tier(Decimal(floor), Decimal(caps[place]), rate, Decimal(high))))
    return tuple(found)


def brackets(rng: random.Random) -> Printed:
    at = START + timedelta(days=rng.randrange(5), minutes=30)
    symbols = [f"{name}USDT" for name in rng.sample(NAMES, rng.randint(1, 4))]
    before, after = rising_tiers(rng), rising_tiers(rng)
    rows: list[list[str | None]] = []
    for pair in aligned(before, after):
        rows.append([cell for place in (0, 1) for cell in _bracket_cells(rows, pair, place)])
    head = [
        f"{name} {side} Change"
        for side in ("Before", "After")
        for name in ("Leverage", "Position", "Maintenance Margin Rate")
    ]
    sides = [tuple(tier for _, tier in side) for side in (before, after)]
    intro = f"{moment(at)}: {', '.join(symbols)} (USDS-M Perpetual Contract), completed in an hour"
    titles = ["Previous Leverage and Margin Tiers", "New Leverage and Margin Tiers"]
    changes = [Change("usdm", "brackets", name, at, HOUR, *sides) for name in symbols]
    return Printed(intro, [titles, head], rows, changes)


def aligned(before: tuple, after: tuple) -> list[tuple]:
    """Put tiers of the same leverage into one row; the other side of a lone one is absent."""
    rows, left, right = [], list(before), list(after)
    while left or right:
        high = [side[0][1].leverage if side else -1 for side in (left, right)]
        rows.append(
            (left.pop(0) if high[0] >= high[1] else None,
             right.pop(0) if high[1] >= high[0] else None)
        )  # fmt: skip
    return rows


def _bracket_cells(rows: list, pair: tuple, place: int) -> list[str | None]:
    if pair[place] is None:
        above = rows[-1][place * 3] if rows else ""
        is_covered = above in ("NA", None)
        return [None if is_covered else "NA", None, None]
    shown, tier = pair[place]
    band = f"{comma(tier.floor)} < Position ≤ {comma(tier.cap)}"
    return [shown, band, percent(tier.rate, 2)]


LAYOUTS = {
    "asset ranks, names first": lambda rng: asset_ranks(rng, names_last=False),
    "asset ranks, names last": lambda rng: asset_ranks(rng, names_last=True),
    "rank tiers": rank_tiers,
    "flat ratios": flat_ratios,
    "portfolio rates": portfolio_rates,
    "pro tiers, ranks in the head": lambda rng: pro_tiers(rng, ranks_in_cells=False),
    "pro tiers, ranks in cells": lambda rng: pro_tiers(rng, ranks_in_cells=True),
    "brackets": brackets,
}


def notice_text(*tables: str) -> str:
    """Put tables into a notice."""
    head = "# Numbers, ratios and tiers of an invented exchange (2031-03-01)\n\nDear readers,\n\n"
    return head + "\n\n".join(tables) + "\n\nYours, the invented exchange\n\n2031-03-01\n"


def own_notices(per_layout: int = 6) -> list[str]:
    """Return notices of every layout, the same ones always."""
    return [
        notice_text(layout(random.Random(f"{name} {seed}")).plain())
        for name, layout in LAYOUTS.items()
        for seed in range(per_layout)
    ]
