"""Writes rules: the canonical document, its text and its digest."""

from __future__ import annotations

import hashlib
import json
from collections import defaultdict
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

from pymargin.rules.contracts import contracts_document
from pymargin.rules.findings import plain
from pymargin.rules.kinds import TABLES
from pymargin.rules.loans import loan_margin_document
from pymargin.rules.methodology import moment_text
from pymargin.rules.schedules import Tier
from pymargin.rules.thresholds import thresholds_document

if TYPE_CHECKING:
    from pymargin.rules.model import MarginRules

__all__ = ["FORMAT", "VERSION", "digest", "document", "text"]

FORMAT = "pymargin-rules"
VERSION = 1

_WIDTH = 100
_NOT_HASHED = ("label", "sources")


def _tiers(tiers: Sequence[Tier]) -> list[dict[str, str]]:
    written = []
    for tier in tiers:
        entry = {"floor": plain(tier.floor)}
        if tier.cap is not None:
            entry["cap"] = plain(tier.cap)
        entry["rate"] = plain(tier.rate)
        if tier.leverage is not None:
            entry["leverage"] = plain(tier.leverage)
        written.append(entry)
    return written


def document(rules: MarginRules) -> dict[str, Any]:
    """Write rules as the object that their file holds: the same rules, the same object."""
    tables: dict[str, Any] = {}
    for table in TABLES:
        if table in rules.tables:
            tables[table] = [
                {
                    **({"rank": group.rank} if group.rank is not None else {}),
                    **({TABLES[table].names: list(group.assets)} if group.assets else {}),
                    "tiers": _tiers(group.tiers),
                }
                for group in rules.tables[table]
            ]
    limits = rules.leverage_limits
    return {
        "format": FORMAT,
        "version": VERSION,
        "label": rules.label,
        "sources": list(rules.sources),
        "moment": None if rules.moment is None else moment_text(rules.moment),
        "methodology": dict(sorted(rules.methodology.items())),
        "max_leverage": {
            "default": limits.default,
            "restricted": limits.restricted,
            "countries": sorted(limits.countries),
        },
        "stable": sorted(rules.stable),
        "thresholds": thresholds_document(rules.thresholds),
        "ranks": _ranks(rules.ranks),
        "portfolio_pro_ranks": _ranks(rules.portfolio_pro_ranks),
        "loan_margin": loan_margin_document(rules.loan_margin),
        "loan_leverage": dict(sorted(rules.loan_leverage.items())),
        "contracts": contracts_document(rules.contracts),
        "tables": tables,
    }


def _ranks(ranks: Mapping[str, int]) -> list[dict[str, Any]]:
    by_rank: dict[int, list[str]] = defaultdict(list)
    for asset, rank in sorted(ranks.items()):
        by_rank[rank].append(asset)
    return [{"rank": rank, "assets": by_rank[rank]} for rank in sorted(by_rank)]


def digest(rules: MarginRules) -> str:
    """Hash everything that can change an answer: all but the label and the sources."""
    hashed = {key: part for key, part in document(rules).items() if key not in _NOT_HASHED}
    packed = json.dumps(hashed, ensure_ascii=False, sort_keys=True, separators=(",", ":"))
    return hashlib.sha256(packed.encode("utf-8", "surrogatepass")).hexdigest()


def text(rules: MarginRules) -> str:
    """Write rules as the text of their file: whatever fits on a line stands on one."""
    return _lines(document(rules), "", 0) + "\n"


def _lines(node: Any, indent: str, taken: int) -> str:
    """Write one node; ``taken`` counts what stands on its line already, and a comma."""
    flat = json.dumps(node, ensure_ascii=False)
    if not isinstance(node, dict | list) or taken + len(flat) < _WIDTH:
        return flat
    inner = indent + "  "
    if isinstance(node, list):
        if not any(isinstance(item, dict | list) for item in node):
            return f"[\n{_filled(node, inner)}\n{indent}]"
        parts = [_lines(item, inner, len(inner) + 1) for item in node]
    else:
        parts = []
        for key, item in node.items():
            head = f"{json.dumps(key, ensure_ascii=False)}: "
            parts.append(head + _lines(item, inner, len(inner) + len(head) + 1))
    opening, closing = "[]" if isinstance(node, list) else "{}"
    body = ",\n".join(inner + part for part in parts)
    return f"{opening}\n{body}\n{indent}{closing}"


def _filled(items: list[Any], indent: str) -> str:
    """Set scalars in lines of at most the width."""
    lines = [indent]
    for position, item in enumerate(items):
        piece = json.dumps(item, ensure_ascii=False) + ("," if position < len(items) - 1 else "")
        if lines[-1] == indent:
            lines[-1] += piece
        elif len(lines[-1]) + 1 + len(piece) <= _WIDTH:
            lines[-1] += f" {piece}"
        else:
            lines.append(indent + piece)
    return "\n".join(lines)
