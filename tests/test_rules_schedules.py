from __future__ import annotations

from decimal import Decimal, getcontext, localcontext
from fractions import Fraction

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pymargin.rules import builtin_rules
from pymargin.rules.schedules import Tier, inverse, is_beyond, marginal_rate, offsets, value

RATES = st.integers(0, 10_000).map(lambda n: Decimal(n) / 10_000)
VALUES = st.decimals(0, 10**12, places=8, allow_nan=False, allow_infinity=False)


@st.composite
def schedules(draw: st.DrawFn, *, falling: bool = True) -> tuple[Tier, ...]:
    widths = draw(st.lists(st.decimals("0.01", 10**8, places=2), min_size=1, max_size=8))
    rates = sorted(
        draw(st.lists(RATES, min_size=len(widths), max_size=len(widths))), reverse=falling
    )
    tiers, floor = [], Decimal(0)
    for width, rate in zip(widths, rates, strict=True):
        tiers.append(Tier(floor, floor + width, rate))
        floor += width
    if draw(st.booleans()):
        tiers[-1] = Tier(tiers[-1].floor, None, tiers[-1].rate)
    return tuple(tiers)


def ladder(*edges: tuple[int, str], last: str | None = None) -> tuple[Tier, ...]:
    tiers, floor = [], Decimal(0)
    for cap, rate in edges:
        tiers.append(Tier(floor, Decimal(cap), Decimal(rate)))
        floor = Decimal(cap)
    if last is not None:
        tiers.append(Tier(floor, None, Decimal(last)))
    return tuple(tiers)


HAIRCUT_FAQ = ladder(
    (100_000_000, "1"),
    (120_000_000, "0.975"),
    (150_000_000, "0.95"),
    (180_000_000, "0.9"),
    (200_000_000, "0.85"),
)


def test_six_thousand_bitcoin_count_119_500_000() -> None:
    assert value(HAIRCUT_FAQ, Decimal(6000 * 20_000), excess="zero") == 119_500_000


def test_excess_above_a_closed_cap_counts_nothing_as_collateral() -> None:
    at_cap = value(HAIRCUT_FAQ, 200_000_000, excess="zero")
    assert value(HAIRCUT_FAQ, 10**12, excess="zero") == at_cap


def test_excess_above_a_closed_cap_goes_on_at_the_last_rate_for_margins() -> None:
    tiers = ladder((100, "0.1"), (200, "0.2"))
    assert value(tiers, 300, excess="last") == Decimal("50")


@pytest.mark.parametrize(
    ("rank", "saturation"),
    [(6, 2_610_000), (7, 1_240_000), (8, 460_000), (9, 250_000), (10, 100_000)],
)
def test_collateral_of_a_rank_saturates(rank: int, saturation: int) -> None:
    rules = builtin_rules()
    asset = next(name for name, found in rules.ranks.items() if found == rank)
    assert rules.collateral_value(asset, 10**10) == saturation


def test_worked_margins_of_cross_margin_pro() -> None:
    maintenance_btc = ladder((50_000, "0.05"), (100_000, "0.07"), last="0.08")
    maintenance_eth = ladder((30_000, "0.05"), last="0.07")
    initial_btc = ladder((50_000, "0.1112"), (100_000, "0.1429"), last="0.2")
    initial_eth = ladder((30_000, "0.1112"), last="0.1429")
    maintenance = [
        value(maintenance_btc, 390_000, excess="last"),
        value(maintenance_eth, 39_000, excess="last"),
    ]
    initial = [
        value(initial_btc, 390_000, excess="last"),
        value(initial_eth, 39_000, excess="last"),
    ]
    assert (sum(maintenance), sum(initial)) == (31_330, Decimal("75327.1"))


def test_offsets_are_the_published_quick_deductions() -> None:
    tiers = ladder((50_000, "0.05"), (100_000, "0.07"), last="0.08")
    assert offsets(tiers) == (0, -1000, -2000)


def test_upper_edge_belongs_to_its_tier() -> None:
    assert marginal_rate(HAIRCUT_FAQ, 120_000_000, excess="zero") == Decimal("0.975")


def test_above_the_upper_edge_the_next_rate_holds() -> None:
    above = Decimal("120000000.00000001")
    assert marginal_rate(HAIRCUT_FAQ, above, excess="zero") == Decimal("0.95")


@pytest.mark.parametrize(("excess", "rate"), [("zero", "0"), ("last", "0.85")])
def test_marginal_rate_above_a_closed_cap(excess: str, rate: str) -> None:
    assert marginal_rate(HAIRCUT_FAQ, 10**9, excess=excess) == Decimal(rate)  # type: ignore[arg-type]


def test_exactly_the_last_cap_is_not_beyond() -> None:
    assert not is_beyond(HAIRCUT_FAQ, 200_000_000)
    assert is_beyond(HAIRCUT_FAQ, Decimal("200000000.000000000000001"))


def test_an_open_schedule_is_never_beyond() -> None:
    assert not is_beyond(ladder(last="1"), 10**30)


def test_value_does_not_depend_on_the_decimal_context() -> None:
    held = Decimal("123456789.123456789012345678901234567890")
    with localcontext() as context:
        context.prec = 3
        narrow = value(HAIRCUT_FAQ, held, excess="zero")
    assert getcontext().prec > 3
    assert Fraction(narrow) == 119_500_000 + (Fraction(held) - 120_000_000) * Fraction(95, 100)


@pytest.mark.parametrize("wrong", [1.0, "1", True, None])
def test_value_takes_exact_numbers_only(wrong: object) -> None:
    with pytest.raises(TypeError, match="value must be a Decimal"):
        value(HAIRCUT_FAQ, wrong, excess="zero")  # type: ignore[arg-type]


@pytest.mark.parametrize("wrong", [Decimal(-1), Decimal("NaN"), Decimal("Infinity")])
def test_value_refuses_negative_and_non_finite(wrong: Decimal) -> None:
    with pytest.raises(ValueError, match="value must"):
        value(HAIRCUT_FAQ, wrong, excess="zero")


def test_a_cap_written_as_no_cap_is_open() -> None:
    assert Tier(Decimal(0), Decimal(99_999_999_999), Decimal(1)).cap is None
    assert Tier(Decimal(0), Decimal(99_999_999_998), Decimal(1)).cap == 99_999_999_998


def test_a_tier_takes_no_float() -> None:
    with pytest.raises(TypeError, match=r"Tier rate must be a Decimal, not 0\.5"):
        Tier(Decimal(0), None, 0.5)  # type: ignore[arg-type]


def test_inverse_of_what_is_never_reached_is_none() -> None:
    assert inverse(HAIRCUT_FAQ, 10**9, excess="zero") is None
    assert inverse(ladder((100, "1"), last="0"), 101, excess="zero") is None


def test_inverse_goes_on_above_a_closed_cap_of_a_margin_table() -> None:
    assert inverse(ladder((100, "0.1"), (200, "0.2")), 50, excess="last") == 300


def test_inverse_is_the_smallest_value_on_a_flat_stretch() -> None:
    assert inverse(ladder((100, "1"), last="0"), 100, excess="zero") == 100


@given(schedules(), VALUES, VALUES)
def test_value_never_falls(tiers: tuple[Tier, ...], one: Decimal, other: Decimal) -> None:
    low, high = sorted((one, other))
    assert value(tiers, low, excess="zero") <= value(tiers, high, excess="zero")


@given(schedules())
def test_value_is_continuous_at_every_edge(tiers: tuple[Tier, ...]) -> None:
    step = Decimal("1e-12")
    for tier in tiers[1:]:
        around = value(tiers, tier.floor + step, excess="zero") - value(
            tiers, tier.floor - step, excess="zero"
        )
        assert 0 <= around <= 2 * step


@given(schedules(falling=False), VALUES)
def test_offset_and_rate_of_the_step_give_the_value(tiers: tuple[Tier, ...], held: Decimal) -> None:
    last_cap = tiers[-1].cap
    if last_cap is not None and held > last_cap:
        held = last_cap
    step = next(k for k, tier in enumerate(tiers) if tier.cap is None or held <= tier.cap)
    expected = Fraction(tiers[step].rate) * Fraction(held) + Fraction(offsets(tiers)[step])
    assert Fraction(value(tiers, held, excess="last")) == expected


@given(schedules(), VALUES)
def test_inverse_finds_the_smallest_value_that_reaches_it(
    tiers: tuple[Tier, ...], held: Decimal
) -> None:
    reached = value(tiers, held, excess="zero")
    smallest = inverse(tiers, reached, excess="zero")
    assert smallest is not None
    assert smallest <= held
    if smallest.denominator in (1, 2, 5, 10):
        exact = Decimal(smallest.numerator) / smallest.denominator
        assert value(tiers, exact, excess="zero") == reached


@given(schedules(), VALUES)
def test_nothing_below_the_inverse_reaches_it(tiers: tuple[Tier, ...], target: Decimal) -> None:
    smallest = inverse(tiers, target, excess="zero")
    if smallest:
        below = Decimal(int(smallest * 10**8) - 1) / 10**8
        assert value(tiers, max(below, Decimal(0)), excess="zero") < target
