"""Where fills come from if quote.py is not told."""

import argparse

import pytest

from tfmm.config import loading
from tfmm.live import options


@pytest.mark.parametrize(
    ("config", "fills", "paper", "wanted"),
    [
        ("market_making", None, None, "simulated"),
        ("client_flow", None, None, "simulated"),
        ("quickstart", None, None, "reported"),
        ("quickstart", "simulated", None, "simulated"),  # which a Session refuses
        ("quickstart", None, "fills.jsonl", "simulated"),
        ("client_flow", "reported", None, "reported"),
    ],
)
def test_fills_of_informed_clients_are_reported(config, fills, paper, wanted, capsys):
    args = argparse.Namespace(fills=fills, paper=paper)
    assert options.fills(args, loading.load(f"configs/{config}.toml")) == wanted
    said = capsys.readouterr().err
    assert said.startswith("note: fills are those that --fills reported takes") == (
        fills is None and wanted == "reported"
    )
    assert said.count("\n") <= 1
