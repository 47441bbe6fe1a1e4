"""explain: the oracle's terms of one account of a book, structured and as text."""

from __future__ import annotations

from fractions import Fraction

import numpy as np
import pytest
from strategies import make_rules

from pymargin import AccountsError, Action, Mode, oracle
from pymargin.accounts import Accounts
from pymargin.explain import explain, number_text

TABLES = {
    "collateral": {"BTC": ((100, "1"), (200, "0.5")), "USDT": ((None, "1"),)},
    "borrow": {"BTC": ((None, "0.9"),), "USDT": ((None, "1"),)},
    "transfer_out": {"BTC": ((None, "0.8"),), "USDT": ((None, "1"),)},
    "liability_maintenance": {"USDT": ((50, "0.1"), (None, "0.2"))},
    "liability_initial": {"USDT": ((None, "0.25"),)},
}
RULES = make_rules(TABLES)
PRICES = {"BTC": 10.0}
ROWS = [
    {
        "account": "one",
        "mode": "cross_classic",
        "leverage": 5,
        "margin_call_ratio": 1.4,
        "country": "FR",
        "balances": [
            {"asset": "BTC", "free": 20.0, "locked": 5.0, "borrowed": 1.0, "interest": 0.5},
            {"asset": "USDT", "free": 0.0, "locked": 0.0, "borrowed": 60.0, "interest": 0.0},
        ],
    },
    {
        "account": "two",
        "balances": [
            {"asset": "USDT", "free": 90.0, "locked": 0.0, "borrowed": 60.0, "interest": 0.0}
        ],
        "orders": [
            {"give_asset": "USDT", "give_quantity": 9.0, "get_asset": "BTC", "get_quantity": 0.8}
        ],
    },
    {
        "account": "both",
        "balances": [
            {"asset": "BTC", "free": 10.0, "locked": 0.0, "borrowed": 5.0, "interest": 0.0},
            {"asset": "USDT", "free": 90.0, "locked": 0.0, "borrowed": 0.0, "interest": 0.0},
        ],
        "orders": [
            {"give_asset": "USDT", "give_quantity": 90.0, "get_asset": "BTC", "get_quantity": 9.0}
        ],
    },
    {"account": "bare", "mode": "cross_pro", "open_order_loss": 3.0, "balances": []},
]
BOOK = Accounts.from_rows(ROWS)


@pytest.mark.parametrize("position", range(len(ROWS)))
def test_a_book_gives_back_the_row_it_was_built_from(position):
    assert BOOK.row(position) == ROWS[position]


def test_terms_levels_and_actions_are_the_oracles():
    found = explain(BOOK, PRICES, RULES, "one")
    exact = oracle.cross_classic(ROWS[0], PRICES, RULES)
    assert (found.assets, found.checks, found.actions) == (exact.terms, exact.checks, exact.actions)
    assert found.levels["margin_level"] == exact.margin_level


def test_the_accounts_own_mode_is_explained():
    found = explain(BOOK, PRICES, RULES, "one")
    assert (found.mode, found.methodology, found.leverage) == (
        Mode.CROSS_CLASSIC,
        "classic_2026_06",
        5,
    )


def test_mode_argument_wins_over_the_accounts_mode():
    assert explain(BOOK, PRICES, RULES, "bare", mode="cross_classic", leverage=3).leverage == 3


def test_without_any_mode_it_is_refused():
    with pytest.raises(AccountsError, match="mode of account 'two' must be one of cross_classic,"):
        explain(BOOK, PRICES, RULES, "two")


def test_without_any_leverage_it_is_refused():
    with pytest.raises(AccountsError, match="leverage must be 3 or 5"):
        explain(BOOK, PRICES, RULES, "two", mode="cross_classic")


def test_an_unknown_account_is_refused():
    with pytest.raises(AccountsError, match="'nobody'"):
        explain(BOOK, PRICES, RULES, "nobody")


def test_every_sum_is_listed():
    sums = explain(BOOK, PRICES, RULES, "one").sums
    assert sums["total_asset"] == 250
    assert sums["total_liability"] == 75
    assert sums["collateral_value"] == 15 + 100 + 50
    assert sums["borrow_value"] == 15 + Fraction(235 * 9, 10)
    assert sums["transfer_out_value"] == 15 + 188


def test_pro_lists_margins_and_order_loss():
    found = explain(BOOK, PRICES, RULES, "two", mode=Mode.CROSS_PRO)
    assert found.sums["maintenance_margin"] == 7
    assert found.sums["open_order_loss"] == 1
    assert found.orders[0].loss == 1


@pytest.mark.parametrize("collateral", ["gross", "net"])
@pytest.mark.parametrize("order_loss", ["marginal", "standalone"])
def test_readings_of_pro_are_passed_on(collateral, order_loss):
    owed = {table: {**TABLES[table], "BTC": ((None, "0.5"),)} for table in list(TABLES)[3:]}
    priced = make_rules({**TABLES, **owed})
    readings = {"collateral": collateral, "order_loss": order_loss}
    found = explain(BOOK, PRICES, priced, "both", mode=Mode.CROSS_PRO, **readings)
    exact = oracle.cross_pro(ROWS[2], PRICES, priced, **readings)
    assert (found.assets, found.orders) == (exact.terms, exact.orders)
    assert found.levels["margin_level"] == exact.margin_level


def test_an_array_of_prices_is_in_the_order_of_the_assets():
    aligned = np.array([PRICES.get(asset, 1.0) for asset in BOOK.assets])
    assert explain(BOOK, aligned, RULES, "one") == explain(BOOK, PRICES, RULES, "one")


def test_what_is_missing_is_named_and_not_raised():
    found = explain(BOOK, {}, RULES, "one")
    assert found.actions == Action.UNPRICED
    assert found.missing == ("BTC has no price",)


def test_a_missing_schedule_is_named_with_its_table():
    found = explain(BOOK, PRICES, RULES, "one", mode="cross_pro")
    lacks = ("liability_maintenance", "liability_initial")
    assert found.missing == tuple(f"BTC has no {table} schedule" for table in lacks)


TEXT = """\
account two: cross_pro (pro_2025)
rules: test

asset  free  locked  borrowed  interest  price  value  debt
USDT     90       0        60         0      1     90    60

table                  asset  slice from    to  rate  part  counts
collateral             USDT            0     -  100%    90      90
liability_maintenance  USDT            0    50   10%    50       5
liability_maintenance  USDT           50     -   20%    10       2
liability_initial      USDT            0     -   25%    60      15

order gives  units  gets  units  loses  gains  loss
USDT             9  BTC     0.8      9      8     1

sum or level               value
collateral_value              90
total_liability               60
net_collateral                30
open_order_loss                1
maintenance_margin             7
initial_margin                15
available_margin              14
margin_level        ~4.142857142857143

threshold         level                 limit  holds  decides  actions
"""


def test_text_shows_every_term():
    text = str(explain(BOOK, PRICES, RULES, "two", mode="cross_pro"))
    squeezed = [" ".join(line.split()) for line in text.splitlines()]
    assert squeezed[: len(TEXT.splitlines()) - 1] == [
        " ".join(line.split()) for line in TEXT.splitlines()[:-1]
    ]
    assert squeezed[-1] == "actions: TRADE, BORROW, TRANSFER_OUT"
    assert "margin_level ~4.142857142857143 <= 1 no no LIQUIDATE" in squeezed
    assert "available_margin 14 > 0 yes yes BORROW" in squeezed


def test_text_says_what_is_missing_and_no_level():
    text = str(explain(BOOK, {}, RULES, "one"))
    assert "BTC has no price" in text
    assert "nan" not in text
    assert text.endswith("actions: UNPRICED_ASSET, UNPRICED_DEBT")


def test_text_names_a_set_off_and_what_lies_beyond_the_tiers():
    text = str(explain(BOOK, PRICES, RULES, "one"))
    squeezed = [" ".join(line.split()) for line in text.splitlines()]
    assert "set off BTC 100% 15 15" in squeezed
    assert "collateral: beyond BTC 35" in squeezed


@pytest.mark.parametrize(
    ("number", "text"),
    [
        (Fraction(0), "0"),
        (Fraction(1234567, 100), "12,345.67"),
        (Fraction(1, 3), "~0.3333333333333333"),
        (Fraction(1, 10**8), "0.00000001"),
        (Fraction(10**15), "1,000,000,000,000,000"),
        (Fraction("1.10000000000000000001"), "~1.1"),
        (float("inf"), "inf"),
        (float("nan"), "nan"),
        (None, "-"),
    ],
)
def test_numbers_are_exact_or_marked(number, text):
    assert number_text(number) == text
