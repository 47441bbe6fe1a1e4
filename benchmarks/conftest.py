"""The book that the benchmarks share: sizes and seed are fixed."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest

import pymargin as pm
from pymargin.example import example_prices, example_table

SEED = 0


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption(
        "--quick", action="store_true", help="5,000 accounts instead of a million: a smoke test"
    )


@pytest.fixture(scope="session")
def n_accounts(request: pytest.FixtureRequest) -> int:
    return 5_000 if request.config.getoption("--quick") else 1_000_000


@pytest.fixture(scope="session")
def rules() -> pm.MarginRules:
    return pm.example_rules()


@pytest.fixture(scope="session")
def table(n_accounts: int) -> Any:
    return example_table(n_accounts, seed=SEED)


@pytest.fixture(scope="session")
def book(table: Any, n_accounts: int) -> pm.Accounts:
    accounts = pm.Accounts.from_arrow(table)
    # The shape that the figures are about: 5.2 balances an account over 400 assets.
    assert len(accounts) == n_accounts
    assert abs(len(accounts._asset_ids) / n_accounts - 5.2) < 0.1
    assert len(accounts.assets) == 400
    return accounts


@pytest.fixture(scope="session")
def prices(book: pm.Accounts) -> np.ndarray:
    """Return float64[n_assets], so that no mapping is looked up in what is timed."""
    by_name = example_prices()
    return np.array([by_name[asset] for asset in book.assets])


@pytest.fixture(scope="session")
def files(tmp_path_factory: pytest.TempPathFactory, table: Any, rules: pm.MarginRules) -> Path:
    import json

    import pyarrow.parquet as pq

    folder = tmp_path_factory.mktemp("book")
    pq.write_table(table, folder / "accounts.parquet")
    (folder / "prices.json").write_text(json.dumps(example_prices()))
    rules.save(folder / "rules.json")
    return folder
