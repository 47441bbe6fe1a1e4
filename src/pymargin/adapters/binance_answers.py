"""The exchange's answers about a futures or portfolio margin account, told by their fields."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from decimal import Decimal, InvalidOperation
from os import PathLike
from pathlib import Path
from typing import Any

from pymargin.errors import AccountsError, Problem

__all__ = ["Answers", "Item", "answers_in", "decoded", "flag", "is_isolated_margin", "number"]

_THOUSANDS = re.compile(r"[+-]?\d{1,3}(,\d{3})+(\.\d*)?")
_KNOWN = (
    "an answer about an account (assets and positions, or userAssets), its balances, wallets, "
    "positionRisk, symbolConfig, portfolio account or margin-asset-leverage"
)
_NOT_ISOLATED = "an answer about another account: spot isolated margin is out of scope for now"


@dataclass(frozen=True, slots=True)
class Item:
    """One object of an answer, and where it stands.

    Parameters
    ----------
    path
        As errors name it, such as ``payload.positions[3]``.
    values
        The decoded object.
    """

    path: str
    values: Mapping[str, Any]


@dataclass(slots=True)
class Answers:
    """Objects found in the answers about one account, by what they are.

    Attributes
    ----------
    crosses
        Of cross margin, with ``userAssets``.
    accounts
        With ``assets`` and ``positions``.
    summaries
        Of portfolio margin, with ``uniMMR``.
    balances
        Of portfolio margin, with ``crossMarginFree`` and its like.
    wallets
        Of futures, with ``crossWalletBalance``.
    positions
        With ``positionAmt``.
    symbols
        With the ``leverage`` of a symbol.
    loans
        With the ``leverage`` of the loans of an asset.
    has_empty_list
        Whether one of the answers is a list of nothing.
    """

    crosses: list[Item] = field(default_factory=list)
    accounts: list[Item] = field(default_factory=list)
    summaries: list[Item] = field(default_factory=list)
    balances: list[Item] = field(default_factory=list)
    wallets: list[Item] = field(default_factory=list)
    positions: list[Item] = field(default_factory=list)
    symbols: list[Item] = field(default_factory=list)
    loans: list[Item] = field(default_factory=list)
    has_empty_list: bool = False

    def add(self, source: Any, path: str, problems: list[Problem]) -> None:
        """Take in an answer, a path to one, or a list of either."""
        answer = decoded(source)
        if answer is source and isinstance(answer, list | tuple):
            # A path is the caller's: what is inside an answer is never opened.
            for place, each in enumerate(answer):
                self._take(decoded(each), f"{path}[{place}]", problems)
        else:
            self._take(answer, path, problems)

    def add_decoded(self, answer: Any, path: str, problems: list[Problem]) -> None:
        """Take in decoded answers, in which a text is never a path."""
        self._take(answer, path, problems)

    @property
    def says_positions(self) -> bool:
        """Whether they tell the positions, be there any or none."""
        return bool(self.positions or self.accounts) or self.has_empty_list

    @property
    def is_about_an_account(self) -> bool:
        """Whether there is an account, a balance, a wallet or a position among them."""
        found = (self.crosses, self.accounts, self.summaries, self.balances, self.wallets)
        return any(found) or bool(self.positions)

    def _take(self, answer: Any, path: str, problems: list[Problem]) -> None:
        """Take in an answer or a list of answers, as deep as it goes."""
        if isinstance(answer, list | tuple):
            self.has_empty_list = self.has_empty_list or not answer
            for place, each in enumerate(answer):
                self._take(each, f"{path}[{place}]", problems)
            return
        kind = self._kind_of(answer) if isinstance(answer, Mapping) else None
        if kind is None and is_isolated_margin(answer):
            problems.append(Problem(path, "mode", "one about isolated margin", _NOT_ISOLATED))
            return
        if kind is None:
            found = sorted(answer)[:5] if isinstance(answer, Mapping) else type(answer).__name__
            problems.append(Problem(path, "shape", found, _KNOWN))
            return
        kind.append(Item(path, answer))
        if kind is self.accounts:
            for name in ("assets", "positions"):
                self._take(answer[name], f"{path}.{name}", problems)

    def _kind_of(self, answer: Mapping[str, Any]) -> list[Item] | None:
        keys = answer.keys()
        if isinstance(answer.get("userAssets"), list):
            return self.crosses
        if isinstance(answer.get("assets"), list) and isinstance(answer.get("positions"), list):
            return self.accounts
        for kind, needed in (
            (self.summaries, {"uniMMR"}),
            (self.balances, {"asset", "crossMarginFree"}),
            (self.wallets, {"asset", "crossWalletBalance"}),
            (self.positions, {"symbol", "positionAmt"}),
            (self.symbols, {"symbol", "leverage"}),
            (self.loans, {"asset", "leverage"}),
        ):
            if needed <= keys:
                return kind
        return None


def is_isolated_margin(answer: Any) -> bool:
    """Return whether an answer is of ``GET /sapi/v1/margin/isolated/account``."""
    pairs = answer.get("assets") if isinstance(answer, Mapping) else None
    return isinstance(pairs, list) and any(
        isinstance(pair, Mapping) and "baseAsset" in pair for pair in pairs
    )


def answers_in(payload: Any, positions: Any, path: str, problems: list[Problem]) -> Answers:
    """Return what a payload and its positions hold about one account."""
    found = Answers()
    found.add(payload, path, problems)
    if positions is not None:
        found.add(positions, path.replace("payload", "positions"), problems)
    return found


def decoded(answer: Any) -> Any:
    """Return decoded JSON as it is, and that of a path.

    Raises
    ------
    AccountsError
        The file holds no JSON.
    """
    if not isinstance(answer, str | PathLike):
        return answer
    try:
        return json.loads(Path(answer).read_bytes())
    except ValueError as err:
        raise AccountsError(f"{answer} must be a JSON file: {err}") from err


def number(item: Item, name: str, problems: list[Problem]) -> Decimal | None:
    """Return a number of an item, None where it is absent or, as the exchange writes it, ''."""
    given = item.values.get(name)
    if given is None or given == "":
        return None
    text = repr(given) if isinstance(given, float) else str(given)
    if _THOUSANDS.fullmatch(text):
        text = text.replace(",", "")
    try:
        value = Decimal(text)
    except InvalidOperation:
        value = Decimal("NaN")
    if isinstance(given, bool) or "_" in text or not value.is_finite():
        problems.append(Problem(f"{item.path}.{name}", "type", repr(given), "a number"))
        return None
    return value


def flag(item: Item, name: str) -> bool | None:
    """Return a flag that is a bool or its name, None where it is absent."""
    given = item.values.get(name)
    return None if given is None else str(given).lower() == "true"
