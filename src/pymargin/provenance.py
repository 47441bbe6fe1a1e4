"""By which rules, as of when, by which formula and which version a figure was computed."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING, Any

from pymargin._version import __version__
from pymargin.rules.methodology import moment_text, parse_moment

if TYPE_CHECKING:
    from pymargin.rules import MarginRules

__all__ = ["Audited", "Provenance"]

_PREFIX = "pymargin."
_NAMES = ("rules_digest", "moment", "methodology", "version")


@dataclass(frozen=True, slots=True)
class Provenance:
    """What a figure rests on, beside the accounts and the prices: every result carries one.

    Parameters
    ----------
    rules_digest
        The content hash of the rules, `MarginRules.digest`: the same rules give the same one;
        ``""`` where no rules were given.
    moment
        The moment the rules are of, aware UTC; None where they state none.
    methodology
        The formula's name; several of a book of mixed modes are joined by plus signs.
    version
        The version of pymargin that computed it.

    Examples
    --------
    >>> import pymargin as pm
    >>> rules = pm.builtin_rules(at="2025-11-14T06:00Z")
    >>> found = Provenance.of(rules, "classic_2023")
    >>> found.moment.isoformat(), found.rules_digest == rules.digest
    ('2025-11-14T06:00:00+00:00', True)
    >>> Provenance.from_metadata(found.metadata()) == found
    True
    """

    rules_digest: str
    moment: datetime | None
    methodology: str
    version: str = __version__

    @classmethod
    def of(cls, rules: MarginRules | None, methodology: str) -> Provenance:
        """Return the provenance of what these rules, or none, and this formula give now."""
        if rules is None:
            return cls("", None, methodology)
        return cls(rules.digest, rules.moment, methodology)

    def texts(self) -> dict[str, str]:
        """Return its parts as texts, by name; an absent moment is ``""``."""
        moment = "" if self.moment is None else moment_text(self.moment)
        texts = (self.rules_digest, moment, self.methodology, self.version)
        return dict(zip(_NAMES, texts, strict=True))

    def metadata(self) -> dict[str, str]:
        """Return the texts under the names that Arrow schemas carry: ``pymargin.`` before each."""
        return {f"{_PREFIX}{name}": text for name, text in self.texts().items()}

    @classmethod
    def from_metadata(cls, metadata: Mapping[Any, Any]) -> Provenance:
        """Read it back from the metadata of an Arrow schema (bytes) or of a file (texts).

        Raises
        ------
        ValueError
            The metadata lack a part.
        RulesError
            The moment is none.
        """
        texts = {_text(key): _text(value) for key, value in metadata.items()}
        lacking = [name for name in _NAMES if f"{_PREFIX}{name}" not in texts]
        if lacking:
            raise ValueError(f"metadata must hold {_PREFIX}{lacking[0]}, not only {sorted(texts)}")
        digest, moment, methodology, version = (texts[f"{_PREFIX}{name}"] for name in _NAMES)
        return cls(digest, parse_moment(moment or None), methodology, version)

    def __str__(self) -> str:
        moment = "" if self.moment is None else f" of {moment_text(self.moment)}"
        digest = self.rules_digest[:12] or "none"
        return f"rules {digest}{moment}, {self.methodology}, pymargin {self.version}"


class Audited:
    """A result that carries its provenance, whose parts are attributes of the result, too."""

    __slots__ = ()

    provenance: Provenance

    @property
    def rules_digest(self) -> str:
        """The content hash of the rules."""
        return self.provenance.rules_digest

    @property
    def moment(self) -> datetime | None:
        """The moment the rules are of; None where they state none."""
        return self.provenance.moment

    @property
    def methodology(self) -> str:
        """The formula's name."""
        return self.provenance.methodology

    @property
    def version(self) -> str:
        """The version of pymargin that computed it."""
        return self.provenance.version


def _text(value: str | bytes) -> str:
    return value.decode() if isinstance(value, bytes) else value
