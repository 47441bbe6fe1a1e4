"""Every check of a schedule and of the groups of a table.

A reader turns what it finds into drafts, one per tier, in which a part that could not be read is
missing; the checks then say all that is wrong with what is left, each fault at its own path.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal
from typing import Literal

from pymargin.rules.findings import Findings, child, plain
from pymargin.rules.kinds import TableKind, table_kind
from pymargin.rules.schedules import OPEN_CAP, Tier, offsets

__all__ = [
    "FILE_NAMES",
    "MAX_TIERS",
    "Draft",
    "Group",
    "TierNames",
    "check_deductions",
    "check_groups",
    "check_leverage",
    "check_names_once",
    "check_schedule",
    "draft_of",
    "read_cap",
    "unread",
]

MAX_TIERS = 64


@dataclass(frozen=True, slots=True)
class TierNames:
    """What a format calls the parts of a tier; ``floor`` None where it gives no floors."""

    floor: str | None = "floor"
    cap: str = "cap"
    rate: str = "rate"
    leverage: str = "leverage"


FILE_NAMES = TierNames()


@dataclass(frozen=True, slots=True)
class Draft:
    """One tier as read: None where a part is absent or was not readable.

    ``is_open`` tells an absent cap from an unreadable one.
    """

    path: str
    floor: Decimal | None
    cap: Decimal | None
    is_open: bool
    rate: Decimal | None
    leverage: Decimal | None = None


@dataclass(frozen=True, slots=True)
class Group:
    """One schedule of a table and whom it serves: a rank, or the assets or symbols named.

    Parameters
    ----------
    tiers
        The schedule.
    rank
        Serves every asset of this rank that no group names; None for a group by assets.
    assets
        The assets (in the futures tables: the symbols) that it serves; empty for a group by rank.
    """

    tiers: tuple[Tier, ...]
    rank: int | None = None
    assets: tuple[str, ...] = ()


def read_cap(findings: Findings, path: str, given: object) -> tuple[Decimal | None, bool]:
    """Read a cap as (cap, is_open): absent, null or at least 99,999,999,999 is open."""
    if given is None:
        return None, True
    number = findings.decimal(path, given)
    if number is None:
        return None, False
    if number >= OPEN_CAP:
        return None, True
    return (Decimal(plain(number)), False) if findings.limited(path, number) else (None, False)


def unread(path: str) -> Draft:
    """Stand for a tier that could not be read at all, so that its neighbours are not blamed."""
    return Draft(path, None, None, is_open=False, rate=None)


def draft_of(path: str, tier: Tier) -> Draft:
    """Turn a tier back into a draft, to check one that was built in memory."""
    return Draft(path, tier.floor, tier.cap, tier.cap is None, tier.rate, tier.leverage)


def check_schedule(
    findings: Findings,
    path: str,
    drafts: Sequence[Draft],
    kind: TableKind,
    names: TierNames = FILE_NAMES,
) -> tuple[Tier, ...] | None:
    """Check one schedule and build it; None when anything in it could not be used."""
    already = len(findings.errors)
    if not drafts:
        findings.error(path, "empty", found="empty", expected="a list of at least one tier")
        return None
    if len(drafts) > MAX_TIERS:
        findings.error(
            path, "too many tiers", found=len(drafts), expected=f"a list of at most {MAX_TIERS}"
        )
    if kind.is_flat and (len(drafts) > 1 or drafts[0].cap is not None):
        findings.error(path, "not flat", found="tiered", expected="one tier without a cap")
    for position, draft in enumerate(drafts):
        before = drafts[position - 1] if position else None
        if before is not None and _same(before, draft):
            findings.error(
                draft.path, "duplicate", found="the same again", expected="unlike the tier before"
            )
            continue
        _check_edges(findings, before, draft, names)
        if draft.is_open and position < len(drafts) - 1:
            findings.error(
                child(draft.path, names.cap),
                "open before the last",
                found="open",
                expected="closed in every tier before the last",
            )
        _check_rate(findings, before, draft, kind, names)
        _check_leverage_falls(findings, before, draft, names)
    if len(findings.errors) > already or not _complete(drafts):
        return None
    return _build(drafts)


def _same(before: Draft, draft: Draft) -> bool:
    floors_given = draft.floor is not None and before.floor == draft.floor
    return floors_given and (before.cap, before.is_open, before.rate) == (
        draft.cap,
        draft.is_open,
        draft.rate,
    )


def _check_edges(findings: Findings, before: Draft | None, draft: Draft, names: TierNames) -> None:
    expected_floor = Decimal(0) if before is None else before.cap
    floor = draft.floor
    if floor is not None and expected_floor is not None and floor != expected_floor:
        where = child(draft.path, names.floor or "floor")
        if before is None:
            findings.error(where, "first floor", found=floor, expected="0 in the first tier")
        else:
            what = "gap" if floor > expected_floor else "overlap"
            findings.error(
                where, what, found=floor, expected=f"{plain(expected_floor)}, the cap before"
            )
    edges = [edge for edge in (floor, expected_floor) if edge is not None]
    if draft.cap is not None and edges and draft.cap <= max(edges):
        findings.error(
            child(draft.path, names.cap),
            "inverted",
            found=draft.cap,
            expected=f"above {plain(max(edges))}",
        )


def _check_rate(
    findings: Findings, before: Draft | None, draft: Draft, kind: TableKind, names: TierNames
) -> None:
    rate = draft.rate
    if rate is None:
        return
    where = child(draft.path, names.rate)
    if kind.is_ratio and not 0 <= rate <= 1:
        findings.error(where, "rate outside 0-1", found=rate, expected="between 0 and 1")
    elif rate < 0:
        findings.error(where, "negative rate", found=rate, expected="at least 0")
    if before is None or before.rate is None:
        return
    falls = kind.rates == "falling"
    if (rate > before.rate) if falls else (rate < before.rate):
        side = "at most" if falls else "at least"
        findings.error(
            where,
            "non-monotone",
            found=rate,
            expected=f"{side} {plain(before.rate)}, the rate before",
        )


def _check_leverage_falls(
    findings: Findings, before: Draft | None, draft: Draft, names: TierNames
) -> None:
    """The largest leverage never grows with the size of a debt or a position."""
    if before is None or before.leverage is None or draft.leverage is None:
        return
    # One that is not above 0 is refused already.
    if draft.leverage > before.leverage > 0:
        findings.error(
            child(draft.path, names.leverage),
            "non-monotone",
            found=draft.leverage,
            expected=f"at most {plain(before.leverage)}, the leverage before",
        )


def _complete(drafts: Sequence[Draft]) -> bool:
    return all(
        draft.rate is not None and (draft.is_open or draft.cap is not None) for draft in drafts
    )


def _build(drafts: Sequence[Draft]) -> tuple[Tier, ...]:
    tiers: list[Tier] = []
    floor = Decimal(0)
    for draft in drafts:
        assert draft.rate is not None  # _complete
        tiers.append(Tier(floor, draft.cap, draft.rate, draft.leverage))
        floor = draft.cap if draft.cap is not None else floor
    return tuple(tiers)


def check_deductions(
    findings: Findings,
    tiers: Sequence[Tier],
    given: Sequence[tuple[str, object]],
    *,
    sign: Literal[-1, 1] = -1,
) -> None:
    """Compare given quick deductions (``cum``, ``fastNum``) with those derived; differing warns.

    Parameters
    ----------
    findings
        Where to note them.
    tiers
        The schedule; empty where it could not be built, and then only the types are checked.
    given
        Path and value for each tier; None where the tier gives none.
    sign
        -1 where the figure is deducted (margins), 1 where it is added (the ``cum`` of portfolio
        margin's collateral rates).
    """
    derived: Sequence[Decimal | None] = offsets(tiers) if tiers else [None] * len(given)
    for (path, figure), offset in zip(given, derived, strict=True):
        number = None if figure is None else findings.decimal(path, figure)
        if number is None or offset is None or number == sign * offset:
            continue
        used = f"{plain(sign * offset)} (derived from the edges and rates, and used instead)"
        findings.warning(path, "differs from the derived", found=plain(number), expected=used)


def check_names_once(
    findings: Findings, names: Sequence[tuple[str, object]], seen: dict[object, str], *, what: str
) -> None:
    """Note every name or number that an earlier place has already given.

    Parameters
    ----------
    findings
        Where to note them.
    names
        Path and name, in order.
    seen
        Name to the path that gave it first; extended here, so that it can run over many lists.
    what
        What a name is: ``asset``, ``symbol`` or ``rank``.
    """
    for path, name in names:
        if name in seen:
            findings.error(
                path, f"duplicate {what}", found=name, expected=f"given once (also {seen[name]})"
            )
        else:
            seen[name] = path


def check_groups(findings: Findings, tables: Mapping[str, Sequence[Group]]) -> None:
    """Check tables that were built in memory, under the paths that their file would have."""
    for table, groups in tables.items():
        kind = table_kind(table)
        path = f"$.tables.{table}"
        if not groups:
            findings.error(path, "empty", found="empty", expected="a list of at least one group")
        names: dict[object, str] = {}
        ranks: dict[object, str] = {}
        for position, group in enumerate(groups):
            where = f"{path}[{position}]"
            _check_group_key(findings, where, group, kind, names, ranks)
            drafts = [draft_of(f"{where}.tiers[{k}]", tier) for k, tier in enumerate(group.tiers)]
            for draft in drafts:
                _check_limits(findings, draft, kind)
            check_schedule(findings, f"{where}.tiers", drafts, kind)


def _check_group_key(
    findings: Findings,
    where: str,
    group: Group,
    kind: TableKind,
    names: dict[object, str],
    ranks: dict[object, str],
) -> None:
    if kind.ranks is None and group.rank is not None:
        findings.error(f"{where}.rank", "key", found=group.rank, expected=f"given by {kind.names}")
    elif (group.rank is None) == (not group.assets):
        findings.error(
            where, "key", found="both or neither", expected=f"given by rank or by {kind.names}"
        )
    if group.rank is not None:
        findings.integer(f"{where}.rank", group.rank, at_least=1, strict=True)
        check_names_once(findings, [(f"{where}.rank", group.rank)], ranks, what="rank")
    listed = [(f"{where}.{kind.names}[{k}]", name) for k, name in enumerate(group.assets)]
    for path, name in listed:
        findings.name(path, name)
    check_names_once(findings, listed, names, what=kind.names.removesuffix("s"))


def _check_limits(findings: Findings, draft: Draft, kind: TableKind) -> None:
    parts = {"floor": draft.floor, "cap": draft.cap, "rate": draft.rate}
    for name, part in {**parts, "leverage": draft.leverage}.items():
        if part is not None:
            findings.number(child(draft.path, name), part)
    if draft.leverage is not None:
        check_leverage(findings, child(draft.path, "leverage"), draft.leverage, kind)


def check_leverage(findings: Findings, path: str, leverage: Decimal, kind: TableKind) -> None:
    """Check the leverage of a tier: above 0, and only where the table has one."""
    if kind.is_ratio:
        findings.error(path, "leverage", found=leverage, expected="absent in a ratio table")
    elif leverage <= 0:
        findings.error(path, "leverage", found=leverage, expected="above 0")
