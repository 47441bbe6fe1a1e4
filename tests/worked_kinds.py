"""Worked cases to answers: one function for each kind of case, asked of an engine.

A case that gives only a rate and a cum runs on the brackets 0 % up to cum / rate, then the rate,
whose derived cum is the same.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from decimal import Decimal
from fractions import Fraction
from typing import Any

from oracle_rules import ALL, position, rules_of, wallets
from worked_engines import Engine

from pymargin import Action, Prices
from pymargin.rules import Contract

Figures = Mapping[str, Any]
LINEAR, INVERSE = "XUSDT", "XUSD_PERP"


def brackets_of(inputs: Mapping[str, Any]) -> list[tuple[Any, ...]]:
    """Return (cap, rate, leverage) steps from whatever the case gives them by."""
    for name, tiers in inputs.items():
        if name.startswith("tiers_floor_cap"):
            return [(cap, rate, *rest[1:]) for _, cap, rate, *rest in tiers]
    rate = Decimal(str(inputs.get("mmr", inputs.get("margin_maint", 0))))
    cum = Decimal(str(inputs.get("cum", 0)))
    return [(round(cum / rate, 12), 0), (None, rate)] if cum else [(None, rate)]


def mark_of(entry: Mapping[str, Any], default: float = 1.0) -> float:
    """Return the mark price, from the notional where only that is given."""
    for name in ("mark", "mark_price", "price"):
        if name in entry:
            return float(entry[name])
    if "notional" in entry and "qty" in entry:
        return float(Decimal(str(entry["notional"])) / Decimal(str(entry["qty"])))
    return float(entry.get("entry", entry.get("entry_price", default)))


def leg_of(entry: Mapping[str, Any], symbol: str, **fields: Any) -> dict[str, Any]:
    """Return a position: a case without a quantity has its notional at a price of 1."""
    quantity = entry.get("contracts", entry.get("qty", entry.get("notional")))
    mark = mark_of(entry)
    opened = entry.get("entry", entry.get("entry_price", mark))
    signed = -quantity if entry.get("side") == "short" else quantity
    leverage = entry.get("lev", entry.get("leverage", 1))
    margin = entry.get("isolated_margin")
    given = {} if margin is None else {"isolated_margin": margin}
    return position(symbol, signed, opened, leverage=leverage, **{**given, **fields})


def is_inverse(inputs: Mapping[str, Any]) -> bool:
    return "contract_size" in inputs


def futures_rules(inputs: Mapping[str, Any], symbols: Sequence[str]) -> Any:
    product = "coinm" if is_inverse(inputs) else "usdm"
    size = Decimal(str(inputs.get("contract_size", 1)))
    asset = "X" if is_inverse(inputs) else "USDT"
    contracts = {symbol: Contract(product, "X", asset, size) for symbol in symbols}
    tables = {product: dict.fromkeys(symbols, brackets_of(inputs))}
    return rules_of(parts={"contracts": contracts}, **tables)


# The kinds.


def liquidation_price(engine: Engine, inputs: Mapping[str, Any]) -> Figures:
    symbol = INVERSE if is_inverse(inputs) else LINEAR
    mark = mark_of(inputs)
    wallet = inputs.get("wallet_balance", inputs.get("wallet_balance_implied"))
    if isinstance(wallet, str):
        assert wallet == "qty*entry/leverage", wallet
        wallet = inputs["qty"] * inputs["entry_price"] / inputs["leverage"]
    wallet = inputs["equity"] if wallet is None else wallet
    isolated = inputs.get("margin_mode") == "isolated"
    leg = leg_of(inputs, symbol, **({"isolated_margin": wallet} if isolated else {}))
    row = {"mode": "coinm" if is_inverse(inputs) else "usdm", "positions": [leg]}
    prices = {symbol: mark, "X": mark}
    rules = futures_rules(inputs, [symbol])
    other = {name: value for name, value in inputs.items() if "other" in name and value}
    # The profit of other positions counts as the wallet does.
    wallet += sum(value for name, value in other.items() if "pnl" in name)
    if not isolated:
        row["wallets"] = wallets(**{"X" if is_inverse(inputs) else "USDT": wallet})
    maintenance = sum(value for name, value in other.items() if "pnl" not in name)
    if maintenance:
        # Of a position that asks for all of its notional and has no profit.
        row["positions"].append(position("OTHERUSDT", maintenance, 1))
        prices["OTHERUSDT"] = 1.0
        steps = {symbol: brackets_of(inputs), "OTHERUSDT": [(None, 1, 1)]}
        rules = rules_of(usdm=steps)
    _, (first, *_) = engine.futures(row["mode"], row, prices, rules)
    return {
        "liquidation_price": engine.liquidation_price(
            row, prices, rules, symbol, isolated=isolated
        ),
        "notional_btc": first.notional,
        "unrealized_pnl": first.unrealized_pnl,
        "maintenance_margin": first.maintenance_margin,
    }


def one_position(engine: Engine, inputs: Mapping[str, Any]) -> Figures:
    symbol = INVERSE if is_inverse(inputs) else LINEAR
    mark = mark_of(inputs) if "qty" in inputs or is_inverse(inputs) else 1.0
    prices = {symbol: mark, "X": mark}
    row = {"positions": [leg_of(inputs, symbol)]}
    rules = futures_rules(inputs, [symbol])
    mode = "coinm" if is_inverse(inputs) else "usdm"
    levels, (found,) = engine.futures(mode, row, prices, rules)
    return {
        "notional": found.notional,
        "notional_btc": found.notional,
        "unrealized_pnl": found.unrealized_pnl,
        "maint_margin": found.maintenance_margin,
        "initial_margin": found.initial_margin,
        # In USD terms, as the case has it.
        "initial_margin_btc": levels.initial_margin,
        "mmr": found.rate,
        "cum": found.cum,
    }


def maintenance_amounts(engine: Engine, inputs: Mapping[str, Any]) -> Figures:
    caps, rates = inputs["caps_announced"], inputs["mmr_api"]
    steps = [(cap, rate, 1) for cap, rate in zip(caps, rates, strict=True)]
    return {"cum": engine.cum(LINEAR, caps, rules_of(usdm={LINEAR: steps}))}


def several_positions(engine: Engine, inputs: Mapping[str, Any]) -> Figures:
    legs = inputs.get("positions", [inputs])
    names = [f"{leg.get('symbol', 'X')}USDT" for leg in legs]
    row = {
        "positions": [leg_of(leg, name) for leg, name in zip(legs, names, strict=True)],
        "wallets": wallets(USDT=inputs.get("wallet_balance", 0)),
    }
    prices = {name: mark_of(leg) for leg, name in zip(legs, names, strict=True)}
    levels, found = engine.futures("usdm", row, prices, futures_rules(inputs, names))
    isolated = inputs.get("margin_mode") == "isolated"
    due = [leg.symbol for leg in found if leg.is_due]
    is_due = bool(levels.actions & (Action.LIQUIDATE | Action.ISOLATED_LIQUIDATE))
    by_name = {name: leg.get("symbol") for leg, name in zip(legs, names, strict=True)}
    named = [by_name[symbol] for symbol in due]
    balance = levels.margin_balance
    return {
        "initial_margin": sum(leg.initial_margin for leg in found),
        "maint_margin": sum(leg.maintenance_margin for leg in found),
        "margin_balance": sum(leg.margin_balance for leg in found) if isolated else balance,
        "available_balance": levels.available_balance,
        "liquidated": named if isolated and "positions" in inputs else is_due,
    }


def multi_assets(engine: Engine, inputs: Mapping[str, Any], expected: Mapping[str, Any]) -> Figures:
    """The rates are not in the record: each is told by one total, and the others must follow."""
    usdt, usdc = inputs["assets"]["USDT"], inputs["assets"]["USDC"]
    held = inputs["position"]
    mark = mark_of(held)
    bid = round(expected["totalUnrealizedProfit"] / usdt["upnl"], 8)
    ask = round(expected["totalMaintMargin"] / usdt["maint"], 8)
    of_usdc = (expected["totalWalletBalance"] - usdt["wallet"] * bid) / usdc["wallet"]
    prices = Prices(
        index={"USDC": 1.0},
        mark={LINEAR: mark},
        bid={"USDT": bid, "USDC": of_usdc},
        ask={"USDT": ask, "USDC": 1.0},
    )
    leverage = round(held["notional"] / usdt["initial"])
    rate = round(usdt["maint"] / held["notional"], 6)
    leg = position(LINEAR, held["qty"], mark - usdt["upnl"] / held["qty"], leverage=leverage)
    row = {
        "multi_assets": True,
        "wallets": wallets(USDT=usdt["wallet"], USDC=usdc["wallet"]),
        "positions": [leg],
    }
    levels, _ = engine.futures("usdm", row, prices, rules_of(usdm={LINEAR: [(None, rate)]}))
    return {
        "totalWalletBalance": levels.margin_balance - levels.unrealized_pnl,
        "totalUnrealizedProfit": levels.unrealized_pnl,
        "totalMarginBalance": levels.margin_balance,
        "totalMaintMargin": levels.maintenance_margin,
        "totalInitialMargin": levels.initial_margin,
    }


def portfolio(engine: Engine, inputs: Mapping[str, Any]) -> Figures:
    """An account of the equity given, with a loan that asks for the margins given."""
    rules = rules_of(portfolio={"USDT": ALL})
    balance = {"asset": "USDT", "loan_leverage": 3}
    if "cross_free" in inputs:
        names = ("free", "locked", "borrowed", "interest")
        balance |= {name: inputs[f"cross_{name}"] for name in names}
        row = {"balances": [balance], "wallets": wallets(USDT=inputs["um_wallet"])}
    else:
        maintenance = Decimal(str(inputs.get("account_maint_margin", 0)))
        initial = Decimal(str(inputs.get("account_initial_margin", 0)))
        loan = maintenance / Decimal("0.1") if maintenance else initial * 2
        free = Decimal(str(inputs["account_equity"])) + loan
        row = {"balances": [balance | {"free": float(free), "borrowed": float(loan)}]}
    return engine.portfolio(row, {}, rules)


def account_totals(
    engine: Engine, inputs: Mapping[str, Any], expected: Mapping[str, Any]
) -> Figures:
    if "position" in inputs:
        return multi_assets(engine, inputs, expected)
    answer = several_positions if "positions" in inputs else portfolio
    return answer(engine, inputs)


def balances_of(held: Mapping[str, float], owed: Mapping[str, float]) -> list[dict[str, Any]]:
    return [
        {"asset": asset, "free": held.get(asset, 0), "borrowed": owed.get(asset, 0)}
        for asset in dict.fromkeys([*held, *owed])
    ]


def margin_level(engine: Engine, inputs: Mapping[str, Any]) -> Figures:
    if "total_liability_btc" in inputs:
        held, owed = inputs.get("total_asset_btc", 1), inputs["total_liability_btc"]
        row = {"leverage": 3, "balances": balances_of({"BTC": held}, {"ETH": owed})}
        rules = rules_of("classic_2023", collateral={"BTC": ALL, "ETH": ALL})
        level = engine.cross("cross_classic", row, {"BTC": 1, "ETH": 1}, rules).margin_level
        # The exchange's sentinel for "nothing owed".
        return {"margin_level": level, "exchange_reports": 999 if level == float("inf") else level}
    held = {asset: quantity for asset, (quantity, _) in inputs["assets"].items()}
    owed = {asset: quantity for asset, (quantity, _) in inputs["liabilities"].items()}
    prices = {asset: price for asset, (_, price) in inputs["assets"].items()} | {"USDC": 1}
    ratio = inputs.get("ratio", 1)
    names = [*held, "USDC"]
    last = {part: next(reversed(inputs[part].values())) for part in ("mmr", "imr")}
    rates = {
        part: {name: [(None, inputs[part].get(name, last[part]))] for name in names}
        for part in last
    }
    rules = rules_of(
        collateral={name: [(None, ratio)] for name in names},
        liability_maintenance=rates["mmr"],
        liability_initial=rates["imr"],
    )
    row = {"mode": "cross_pro", "balances": balances_of(held, owed)}
    levels = engine.cross("cross_pro", row, prices, rules)
    return {
        "margin_level": levels.margin_level,
        "maint_margin": levels.maintenance_margin,
        "initial_margin": levels.initial_margin,
        "net_equity": levels.net_collateral,
        "max_borrow_usdc": engine.max_borrow(row, prices, rules, "USDC"),
    }


def required_margin(engine: Engine, inputs: Mapping[str, Any]) -> Figures:
    owed = inputs.get("liabilities_usdt") or {"X": inputs["liability_usd"]}
    steps = {asset: inputs.get(f"tiers_{asset}", inputs.get("tiers")) for asset in owed}
    rules = rules_of(
        liability_maintenance={a: [(t[1], t[2]) for t in tiers] for a, tiers in steps.items()},
        liability_initial={a: [(t[1], t[-1]) for t in tiers] for a, tiers in steps.items()},
    )
    row = {"balances": balances_of({}, owed)}
    levels = engine.cross("cross_pro", row, dict.fromkeys(owed, 1), rules)
    return {"maint_margin": levels.maintenance_margin, "initial_margin": levels.initial_margin}


def collateral_value(engine: Engine, inputs: Mapping[str, Any]) -> Figures:
    if "assets" in inputs:
        held = {asset: quantity for asset, (quantity, _, _) in inputs["assets"].items()}
        prices = {asset: price for asset, (_, price, _) in inputs["assets"].items()}
        steps = {asset: [(None, rate)] for asset, (_, _, rate) in inputs["assets"].items()}
    else:
        held, prices = {"X": inputs["qty"]}, {"X": 1}
        steps = {"X": [(cap, rate) for _, cap, rate in inputs["tiers_qty"]]}
    row = {"leverage": 3, "balances": balances_of(held, {})}
    value = engine.cross("cross_classic", row, prices, rules_of(collateral=steps)).collateral_value
    return {"collateral_value": value, "collateral_qty": value}


def max_transfer_in(engine: Engine, inputs: Mapping[str, Any]) -> Figures:
    most = engine.max_transfer_in(
        inputs["current_total"], inputs["upper_limit"], inputs["price_usdt"]
    )
    requested = inputs.get("requested")
    return {"max_transfer_in": most if requested is None else min(most, Fraction(requested))}


def max_leverage(engine: Engine, inputs: Mapping[str, Any]) -> Figures:
    rules = rules_of(usdm={LINEAR: brackets_of(inputs)})
    return {"max_leverage": engine.max_leverage(LINEAR, inputs["stake"], rules)}


KINDS: Mapping[str, Callable[[Engine, Mapping[str, Any]], Figures]] = {
    "liquidation_price": liquidation_price,
    "tier_lookup": one_position,
    "maintenance_margin": one_position,
    "initial_margin": one_position,
    "maintenance_amount": maintenance_amounts,
    "max_leverage_for_stake": max_leverage,
    "margin_level": margin_level,
    "unimmr": portfolio,
    "required_margin": required_margin,
    "collateral_value": collateral_value,
    "max_transfer_in": max_transfer_in,
    "liquidation_flag": several_positions,
}


def figures(engine: Engine, case: Mapping[str, Any]) -> Figures:
    """Return every figure that an engine gives for a case."""
    if case["kind"] == "account_totals":
        return account_totals(engine, case["inputs"], case["expected"])
    return KINDS[case["kind"]](engine, case["inputs"])
