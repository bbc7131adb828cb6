"""Scripts of pipelines/ called in this process: what they refuse needs no process of its own."""

import importlib
import logging
import sys

import pytest

from tfmm import cli


@pytest.fixture
def refusal(monkeypatch, capsys):
    """Calls a script that must end with exit code 2 and one line on stderr; returns that line."""
    monkeypatch.setattr(logging, "basicConfig", lambda **_: None)  # its handler would outlive the test

    def run(script, *arguments):
        monkeypatch.setattr(sys, "argv", [script, *map(str, arguments)])
        code = cli.code_of(importlib.import_module(f"pipelines.{script.removesuffix('.py')}").main)
        lines = capsys.readouterr().err.splitlines()
        assert (code, len(lines)) == (2, 1), lines
        return lines[0]

    return run
