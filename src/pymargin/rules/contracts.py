"""Futures contracts: what a symbol is settled in, and how much one contract is."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal
from typing import Any, Literal, TypeAlias

from pymargin.errors import RulesError
from pymargin.rules.checks import Group
from pymargin.rules.findings import Findings, child, plain, shown
from pymargin.rules.frozen import FrozenMapping

__all__ = [
    "FILE_NAMES",
    "FUTURES",
    "Contract",
    "ContractNames",
    "Product",
    "check_products",
    "contract_from_name",
    "contract_of",
    "contracts_document",
    "read_contract",
    "read_contracts",
]

Product: TypeAlias = Literal["usdm", "coinm"]

FUTURES: tuple[Product, ...] = ("usdm", "coinm")
"""The products whose positions are contracts."""

_DELIVERY = re.compile(r"_[0-9]{6}\Z")
_COINM = re.compile(r"(?P<base>\S+)USD_(?:PERP|[0-9]{6})\Z")

# Assets that USDⓈ-M contracts are quoted and settled in.
_QUOTES = ("FDUSD", "USDT", "USDC", "BUSD", "USD1", "BTC", "ETH", "BNB")

# COIN-M Futures Contract Specifications: one BTC contract is 100 USD, any other 10 USD.
_COINM_SIZES = {"BTC": Decimal(100)}
_COINM_SIZE = Decimal(10)


@dataclass(frozen=True, slots=True)
class Contract:
    """Say what one futures symbol is.

    Parameters
    ----------
    product
        ``usdm`` or ``coinm``.
    base_asset
        What is bought and sold.
    settlement_asset
        What margin and profit are in: the exchange's ``marginAsset``. In coinm the base asset.
    contract_size
        Units of the base asset in one unit of quantity for usdm (always 1); USD in one contract
        for coinm. Int or Decimal; a float raises TypeError.
    """

    product: Product
    base_asset: str
    settlement_asset: str
    contract_size: Decimal = Decimal(1)

    def __post_init__(self) -> None:
        size = self.contract_size
        if isinstance(size, bool) or not isinstance(size, int | Decimal):
            raise TypeError(f"Contract contract_size must be a Decimal, not {size!r}")
        object.__setattr__(self, "contract_size", Decimal(size))


@dataclass(frozen=True, slots=True)
class ContractNames:
    """What a format calls the parts of a contract."""

    base_asset: str = "base_asset"
    settlement_asset: str = "settlement_asset"
    contract_size: str = "contract_size"


FILE_NAMES = ContractNames()


def contract_from_name(symbol: str) -> Contract | None:
    """Derive a contract from its symbol; None where the name does not tell.

    Our reading of the exchange's naming. COIN-M: ``BTCUSD_PERP`` and ``BTCUSD_260327`` are 100
    USD of BTC, any other coin's 10 USD (COIN-M Futures Contract Specifications). USDⓈ-M: a
    delivery suffix aside, the name ends in the quote asset, which is the settlement asset too.

    Examples
    --------
    >>> contract_from_name("BTCUSDT_260327").settlement_asset
    'USDT'
    >>> contract_from_name("ETHUSD_PERP").contract_size
    Decimal('10')
    """
    coinm = _COINM.match(symbol)
    if coinm is not None:
        base = coinm["base"]
        return Contract("coinm", base, base, _COINM_SIZES.get(base, _COINM_SIZE))
    pair = _DELIVERY.sub("", symbol)
    for quote in _QUOTES:
        base = pair.removesuffix(quote)
        if base not in (pair, ""):
            return Contract("usdm", base, quote)
    return None


def contract_of(symbol: str, contracts: Mapping[str, Contract]) -> Contract:
    """Return the contract of a symbol: the stored one, else the one that its name tells.

    Raises
    ------
    RulesError
        The rules hold none, and the name does not tell.
    """
    found = contracts.get(symbol) or contract_from_name(symbol)
    if found is None:
        raise RulesError(
            f"{shown(symbol)} has no contract in the rules, and its name does not tell its"
            " settlement asset: give its exchangeInfo (rules_from_binance(symbols=...))"
        )
    return found


def check_products(
    findings: Findings,
    contracts: Mapping[str, Contract],
    tables: Mapping[str, Sequence[Group]],
) -> None:
    """Check that a symbol has brackets of one product only, which is that of its contract."""
    product_of: dict[str, str] = {}
    for product in FUTURES:
        for symbol in (name for group in tables.get(product, ()) for name in group.assets):
            first = product_of.setdefault(symbol, product)
            stored = contracts.get(symbol)
            if first != product:
                path = f"$.tables.{product}"
                expected = f"a table without symbols of {first}"
                findings.error(path, "duplicate symbol", found=symbol, expected=expected)
            elif stored is not None and stored.product != product:
                path = f"{child('$.contracts', symbol)}.product"
                expected = f"{product}, whose table has its brackets"
                findings.error(path, "product", found=stored.product, expected=expected)


def contracts_document(contracts: Mapping[str, Contract]) -> dict[str, dict[str, str]]:
    """Write contracts the way the rules file holds them."""
    return {
        symbol: {
            "product": contract.product,
            "base_asset": contract.base_asset,
            "settlement_asset": contract.settlement_asset,
            "contract_size": plain(contract.contract_size),
        }
        for symbol, contract in sorted(contracts.items())
    }


def read_contracts(findings: Findings, path: str, given: object) -> FrozenMapping[str, Contract]:
    """Read and check the contracts of a rules file."""
    contracts: dict[str, Contract] = {}
    entries = findings.fields(path, given, what="symbol to contract", optional=None)
    for symbol, entry in (entries or {}).items():
        where = child(path, symbol)
        findings.name(where, symbol)
        keys = ("product", "base_asset", "settlement_asset")
        fields = findings.fields(
            where, entry, what="a contract", required=keys, optional=("contract_size",)
        )
        if fields is None or any(key not in fields for key in keys):
            continue
        product = fields["product"]
        if product not in FUTURES:
            known = f"one of {', '.join(FUTURES)}"
            findings.error(f"{where}.product", "unknown", found=product, expected=known)
            continue
        contract = read_contract(findings, where, fields, product)
        if contract is not None:
            contracts[symbol] = contract
    return FrozenMapping(dict(sorted(contracts.items())))


def read_contract(
    findings: Findings,
    path: str,
    fields: Mapping[str, Any],
    product: Product,
    names: ContractNames = FILE_NAMES,
) -> Contract | None:
    """Read one contract under the names that its format uses, noting every fault."""
    already = len(findings.errors)
    base = findings.name(f"{path}.{names.base_asset}", fields[names.base_asset])
    at = f"{path}.{names.settlement_asset}"
    settlement = findings.name(at, fields[names.settlement_asset])
    where = f"{path}.{names.contract_size}"
    size = findings.number(where, fields.get(names.contract_size, 1))
    if size is not None:
        _check_size(findings, where, product, size)
    if product == "coinm" and base is not None and settlement is not None and base != settlement:
        expected = f"the base asset ({base}) in coinm"
        findings.error(at, "settlement", found=settlement, expected=expected)
    if base is None or settlement is None or size is None or len(findings.errors) > already:
        return None
    return Contract(product, base, settlement, size)


def _check_size(findings: Findings, path: str, product: Product, size: Decimal) -> None:
    if product == "usdm" and size != 1:
        findings.error(path, "contract size", found=size, expected="1 in usdm")
    elif size <= 0:
        findings.error(path, "contract size", found=size, expected="above 0")
