"""What is derived from a book once and kept with it: the core's view, its layout in slots."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any, Protocol, TypeVar

import numpy as np
import numpy.typing as npt

from pymargin import _core
from pymargin.errors import AccountsError

if TYPE_CHECKING:
    from pymargin.accounts import Accounts

__all__ = [
    "book_of",
    "cached",
    "check_book",
    "prepare_if_regular",
    "prepare_now",
    "slot_accounts",
]

Made = TypeVar("Made")
_REGULAR = 3
_AT_ONCE = "prepare at once"


def check_book(accounts: object) -> None:
    """Refuse what is no `Accounts`.

    Raises
    ------
    AccountsError
        It is something else, such as the rows that a book is made from.
    """
    if not hasattr(accounts, "_asset_ids"):
        raise AccountsError(
            "accounts must be an Accounts (Accounts.from_rows makes one of rows), not "
            f"{type(accounts).__name__}"
        )


def book_of(accounts: Accounts) -> _core.Book:
    """Return the core's view of a book; made once."""
    return cached(
        accounts,
        "book",
        (),
        lambda: _core.Book(
            accounts._offsets,
            accounts._asset_ids,
            accounts._free,
            accounts._locked,
            accounts._borrowed,
            accounts._interest,
            accounts._order_offsets,
            accounts._order_give_ids,
            accounts._order_get_ids,
            accounts._order_give_quantity,
            accounts._order_get_quantity,
            accounts._open_order_loss,
        ),
    )


def slot_accounts(accounts: Accounts) -> npt.NDArray[np.int64]:
    """Return int64[n]: the account in each slot of a prepared book; made once."""
    return cached(accounts, "slot_accounts", (), book_of(accounts).slot_accounts)


class _Layout(Protocol):
    @property
    def is_prepared(self) -> bool: ...


def prepare_now(accounts: Accounts, threads: int) -> None:
    """Lay a book out, and its pools as soon as there are any."""
    book_of(accounts).prepare(threads)
    accounts._cache[_AT_ONCE] = ((), True)


def prepare_if_regular(
    accounts: Accounts,
    name: str,
    layout: _Layout,
    prepare: Callable[[], None],
    *,
    at_once: bool = False,
) -> None:
    """Lay a book, or pools of it, out for the vector pass once evaluations have become regular.

    The layout costs about as much as two row-wise passes, so the third evaluation makes it, or the
    first one of a book that was to be prepared.
    """
    if layout.is_prepared:
        return
    at_once = at_once or _AT_ONCE in accounts._cache
    counter = f"evaluations/{name}"
    kept = accounts._cache.get(counter)
    evaluations = kept[1] + 1 if kept is not None and kept[0] is layout else 1
    accounts._cache[counter] = (layout, evaluations)
    is_regular = evaluations >= _REGULAR and _core.implementation() != "generic"
    if at_once or is_regular:
        prepare()


def cached(accounts: Accounts, name: str, key: Any, make: Callable[[], Made]) -> Made:
    """Keep what was derived from a book last under a name, while its key stays the same."""
    try:
        kept = accounts._cache.get(name)
    except AttributeError:
        check_book(accounts)
        raise
    if kept is None or kept[0] != key:
        kept = (key, make())
        accounts._cache[name] = kept
    made: Made = kept[1]
    return made
