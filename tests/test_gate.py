"""What the instruction gate lets through, and when it says that it cannot judge."""

from __future__ import annotations

import importlib.util
import json
import sys
from pathlib import Path
from types import ModuleType

import pytest

PATH = Path(__file__).resolve().parent.parent / "benchmarks" / "gate.py"
if not PATH.exists():
    pytest.skip("benchmarks are in the repository only", allow_module_level=True)


def load() -> ModuleType:
    spec = importlib.util.spec_from_file_location("pymargin_gate_script", PATH)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    sys.modules[spec.name] = module
    spec.loader.exec_module(module)
    return module


gate = load()


@pytest.mark.parametrize("n", [0, 1000, 1050])
def test_up_to_five_percent_more_pass(n):
    assert gate.faults({"a": n}, {"a": 1000}) == []


def test_more_than_five_percent_fail():
    assert gate.faults({"a": 1051}, {"a": 1000}) == ["a: 1,051 instructions are +5.1% over 1,000"]


def test_cases_of_one_side_only_fail():
    found = gate.faults({"new": 1}, {"old": 1})
    assert found == ["new: not in the baseline", "old: only in the baseline"]


@pytest.fixture
def counted(monkeypatch: pytest.MonkeyPatch):
    def count(program: Path) -> object:
        return gate.Counts("one machine", {"a": 1000})

    monkeypatch.setattr(gate, "count", count)


def run(baseline: Path, *options: str) -> int:
    return gate.main(["--program", "any", "--baseline", str(baseline), *options])


@pytest.mark.usefixtures("counted")
def test_machine_without_a_baseline_is_skipped_with_the_reason(tmp_path, capsys):
    assert run(tmp_path / "none.json") == 0
    assert "gate skipped: no baseline is for it, only for: none" in capsys.readouterr().out


@pytest.mark.usefixtures("counted")
def test_update_keeps_the_baselines_of_other_machines(tmp_path):
    path = tmp_path / "baseline.json"
    path.write_text(json.dumps({"another": {"a": 5}}))
    assert run(path, "--update") == 0
    assert json.loads(path.read_text()) == {"another": {"a": 5}, "one machine": {"a": 1000}}
    assert run(path) == 0


@pytest.mark.usefixtures("counted")
def test_too_many_instructions_are_an_exit_code_and_a_line(tmp_path, capsys):
    path = tmp_path / "baseline.json"
    path.write_text(json.dumps({"one machine": {"a": 900}}))
    assert run(path) == 1
    assert "a: 1,000 instructions are +11.1% over 900" in capsys.readouterr().out


def test_machine_without_valgrind_is_skipped_with_the_reason(tmp_path, capsys, monkeypatch):
    monkeypatch.setenv("PATH", "")
    assert run(tmp_path / "none.json") == 0
    assert capsys.readouterr().out == "gate skipped: there is no valgrind\n"
