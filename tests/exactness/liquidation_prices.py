"""Check liquidation prices on every recorded bracket table; a run that was killed goes on.

    python tests/exactness/liquidation_prices.py --positions 100000 --state DIR --table FILE

Each root of the core is held against the boundary that is found by scanning all brackets in
fractions and stepping floats (``tests/bracket_scan.py``), bit for bit, and against the usual
shortcut: the bracket that the position has at its entry price. Takes any answers of GET
/fapi/v1/leverageBracket (``--brackets``), or those recorded beside the project. Exit code 0: no
difference; 1: some, each printed.
"""

from __future__ import annotations

import argparse
import json
import math
import random
import sys
from collections import Counter, defaultdict
from fractions import Fraction
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

from bracket_scan import Leg, decimal_of

import pymargin as pm

# Not of the repository.
FOLDER = Path(__file__).resolve().parents[2].parent / "shared" / "brackets"
DATES = ("2026-02-05", "2026-02-06")
CHUNK = 1_000
BOUNDS_BP = (1, 10, 50, 100)


def main(arguments: list[str] | None = None) -> int:
    """Run what is not done yet and write the table."""
    options = _parser().parse_args(arguments)
    recorded = [FOLDER / f"binance_leverage_tiers_{date}.json.gz" for date in DATES]
    files = options.brackets or recorded
    absent = [str(path) for path in files if not path.exists()]
    if absent:
        sys.exit(f"{absent[0]} does not exist: give answers of leverageBracket with --brackets")
    tables = [pm.rules_from_binance(usdm_brackets=path) for path in files]
    options.state.mkdir(parents=True, exist_ok=True)
    records = []
    for index in range(-(-options.positions // CHUNK)):
        size = min(CHUNK, options.positions - index * CHUNK)
        path = options.state / f"{options.seed}-{index}-{size}.json"
        if not path.exists():
            record = run_chunk(tables[index % len(tables)], f"{options.seed}/{index}", size)
            # Written whole or not at all: a killed run leaves no half of a chunk.
            path.with_suffix(".part").write_text(json.dumps(record))
            path.with_suffix(".part").rename(path)
            print(f"chunk {index + 1}: {record['positions']:,} positions", file=sys.stderr)
        records.append(json.loads(path.read_text()))
    differences = [line for record in records for line in record["differences"]]
    print(*differences, sep="\n", end="\n" if differences else "")
    text = table(records)
    print(text)
    if options.table is not None:
        before = options.table.read_text().split("\n<!-- figures -->\n")[0]
        options.table.write_text(f"{before}\n<!-- figures -->\n\n{text}\n")
    return 1 if differences else 0


def run_chunk(rules: pm.MarginRules, seed: str, size: int) -> dict[str, Any]:
    """Draw positions, solve them in the core and by the scan, and count."""
    rng = random.Random(seed)
    by_symbol: dict[str, list[Leg]] = defaultdict(list)
    names = rules.names("usdm")
    for _ in range(size):
        symbol = rng.choice(names)
        by_symbol[symbol].append(drawn_leg(rng, rules.tiers("usdm", symbol)))
    record: dict[str, Any] = {
        "positions": size, "symbols": len(by_symbol), "roots": 0, "differences": [], "offs": [],
        "other_bracket": 0,
    }  # fmt: skip
    for symbol, legs in by_symbol.items():
        _check_symbol(rules, symbol, legs, record)
    return record


def drawn_leg(rng: random.Random, tiers: Any) -> Leg:
    """Draw a position at a leverage that its bracket allows, its notional anywhere in the table."""
    cap = float(rng.choice([tier.cap for tier in tiers if tier.cap is not None] or [100_000]))
    notional = min(cap, 1e12) * 10 ** rng.uniform(-1, 0)
    entry = float(f"{10 ** rng.uniform(-4, 5):.{rng.choice((4, 6, 9))}g}")
    quantity = float(f"{notional / entry:.{rng.choice((3, 5, 8))}g}") * rng.choice((-1, 1))
    tier = next((t for t in tiers if t.cap is None or abs(quantity) * entry <= t.cap), tiers[-1])
    leverage = rng.uniform(1, float(tier.leverage or 20))
    return Leg(tiers, quantity, entry, float(f"{abs(quantity) * entry / leverage:.8g}"))


def shortcut(leg: Leg) -> Fraction | None:
    """Return the price by the bracket at entry alone."""
    a, b, k = leg.line
    _, _, rate, deduction = leg.pieces[bracket_of(leg, decimal_of(leg.entry))]
    slope = b - rate * k
    return -(a + deduction) / slope if slope else None


def bracket_of(leg: Leg, price: Fraction) -> int:
    """Return the number of the bracket that the position has at a price."""
    notional = leg.line[2] * price
    return next(
        number for number, (_, cap, _, _) in enumerate(leg.pieces) if cap is None or notional <= cap
    )


def _check_symbol(
    rules: pm.MarginRules, symbol: str, legs: list[Leg], record: dict[str, Any]
) -> None:
    rows = [
        {
            "account": number,
            "positions": [
                {
                    "symbol": symbol, "quantity": leg.quantity, "entry_price": leg.entry,
                    "isolated_margin": leg.wallet, "leverage": 1,
                }
            ],
        }
        for number, leg in enumerate(legs)
    ]  # fmt: skip
    accounts = pm.Accounts.from_rows(rows)
    # All at one mark price, which changes no root but on which side of it that lies.
    mark = legs[0].entry
    prices = {symbol: mark, rules.contract(symbol).settlement_asset: 1.0}
    solved = pm.liquidation_price(accounts, prices, rules, symbol, mode="usdm").positions
    for number, leg in enumerate(legs):
        roots = leg.roots()
        expected = {leg.boundary(root) for root in _first_on_each_side(leg, roots, mark)}
        found = {
            float(x[number]) for x in (solved.below, solved.above) if not math.isnan(x[number])
        }
        record["roots"] += len(expected)
        if found != expected:
            record["differences"].append(f"{symbol} {leg}: {sorted(found)}, not {sorted(expected)}")
        approximate = shortcut(leg)
        if roots and approximate is not None and approximate > 0:
            root = min(roots, key=lambda x: abs(x - decimal_of(leg.entry)))
            record["offs"].append(float(abs(approximate / root - 1) * 10_000))
            entry = decimal_of(leg.entry)
            record["other_bracket"] += bracket_of(leg, root) != bracket_of(leg, entry)


def _first_on_each_side(leg: Leg, roots: list[Fraction], mark: float) -> list[Fraction]:
    """Return the nearest root on either side of the mark price."""
    at = decimal_of(mark)
    below = [root for root in roots if root <= at]
    above = [root for root in roots if root > at]
    return [*below[-1:], *above[:1]]


def table(records: list[dict[str, Any]]) -> str:
    """Return what was found, as Markdown."""
    total = Counter()
    offs = sorted(off for record in records for off in record["offs"])
    for record in records:
        total.update({name: record[name] for name in ("positions", "roots", "other_bracket")})
        total["differences"] += len(record["differences"])
    lines = [
        f"{total['positions']:,} positions, {total['roots']:,} roots, "
        f"{total['differences']:,} of them not bit-equal to the scan.",
        "",
        "| entry-bracket shortcut | positions | share |",
        "|---|---|---|",
        f"| has a price | {len(offs):,} | |",
        _row("another bracket at the root", total["other_bracket"], len(offs)),
    ]
    lines += [
        _row(f"off by more than {bound} bp", sum(off > bound for off in offs), len(offs))
        for bound in BOUNDS_BP
    ]
    lines.append(f"| largest | {offs[-1]:,.0f} bp | |" if offs else "| largest | none | |")
    return "\n".join(lines)


def _row(name: str, count: int, total: int) -> str:
    return f"| {name} | {count:,} | {count / max(total, 1):.1%} |"


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--positions", type=int, default=100_000)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--state", type=Path, required=True)
    parser.add_argument("--table", type=Path)
    parser.add_argument("--brackets", type=Path, nargs="+", metavar="FILE",
                        help="answers of leverageBracket, as .json or .json.gz")  # fmt: skip
    return parser


if __name__ == "__main__":
    sys.exit(main())
