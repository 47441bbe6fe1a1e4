from __future__ import annotations

import subprocess
import sys

import pytest

from pymargin.cli import main

COMMANDS = (
    *("demo", "levels", "explain", "stress", "impact", "verify", "notice", "bench", "rules"),
    *(f"rules {name}" for name in ("check", "show", "import", "apply", "diff", "history")),
)


def test_without_the_extra_one_sentence_names_it(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setitem(sys.modules, "click", None)
    assert main(["demo"]) == 2
    printed = capsys.readouterr()
    assert printed.err == "the pymargin command needs click: pip install 'pymargin[cli]'\n"


def test_version_is_printed(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["--version"]) == 0
    assert capsys.readouterr().out.startswith("pymargin ")


def test_the_package_runs_as_a_module() -> None:
    command = [sys.executable, "-m", "pymargin", "--version"]
    done = subprocess.run(command, capture_output=True, text=True, check=True)
    assert done.stdout.startswith("pymargin ")


def test_no_arguments_shows_the_help(capsys: pytest.CaptureFixture[str]) -> None:
    assert main([]) == 0
    assert "pymargin demo" in capsys.readouterr().out


@pytest.mark.parametrize("command", COMMANDS)
def test_every_command_explains_itself(
    command: str, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("COLUMNS", "80")
    assert main([*command.split(), "--help"]) == 0
    out = capsys.readouterr().out
    assert out.startswith(f"Usage: pymargin {command}")
    assert max(map(len, out.splitlines())) <= 80


def test_an_unknown_command_is_bad_input(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["frobnicate"]) == 2
    assert "frobnicate" in capsys.readouterr().err


def test_a_command_that_is_to_come_says_so(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["watch", "--help"]) == 2
    assert "watch: the live monitor is not there yet" in capsys.readouterr().err


def test_a_fault_of_our_own_is_no_bad_input(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def fail(*_given: object) -> object:
        raise ZeroDivisionError("ours")

    monkeypatch.setattr("pymargin.example.example_accounts", fail)
    assert main(["demo", "--accounts", "1"]) == 70
    assert "please report" in capsys.readouterr().err


def test_help_needs_neither_numpy_nor_the_core() -> None:
    script = (
        "import sys\n"
        "from pymargin.cli import main\n"
        "code = main(['--help'])\n"
        "sys.exit(code or 'pyarrow' in sys.modules)"
    )
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, check=False)
    assert done.returncode == 0, done.stderr


def test_a_reader_that_goes_away_is_no_error() -> None:
    script = (
        "import sys\n"
        "from pymargin.cli import main\n"
        "input()\n"
        "sys.exit(main(['rules', 'show', 'example', 'BTC']))"
    )
    with subprocess.Popen(
        [sys.executable, "-c", script],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
    ) as process:
        assert process.stdout is not None
        process.stdout.close()
        assert process.stdin is not None
        process.stdin.write(b"\n")
        process.stdin.close()
        assert process.stderr is not None
        assert process.stderr.read() == b""
        assert process.wait() == 0
