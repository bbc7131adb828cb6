"""Two files with rows of one instrument at the same time: the same rows are read once, others are refused."""

import pandas as pd
import pytest

from tests.market import tob_files
from tfmm import errors
from tfmm.market.ingest import prepare

request = tob_files.request


def parts(folder, quotes, trades, ranges):
    """Writes rows [start, stop) of quotes, and the trades of their time, as one file a range."""
    folder.mkdir()
    for k, (start, stop) in enumerate(ranges):
        some = quotes.iloc[start:stop]
        span = some["ts"].min(), some["ts"].max() + 1000
        own = trades[(trades["ts"] >= span[0]) & (trades["ts"] <= span[1])]
        some.to_csv(folder / f"tob_X_20240102_{k:02d}.csv", index=False)
        own.to_csv(folder / f"trade_X_20240102_{k:02d}.csv", index=False)
    return folder


@pytest.mark.parametrize(
    "ranges",
    [
        [(0, 250), (250, 500), (500, 1000)],  # one after the other
        [(0, 600), (400, 1000)],  # two downloads that overlap
        [(0, 1000), (300, 600)],  # one inside the other
        [(0, 500), (300, 800), (600, 1000)],
    ],
)
def test_files_that_hold_the_same_rows_are_read_once(tmp_path, ranges):
    quotes, trades = tob_files.market(1000, 1.0, 200)
    whole, _ = prepare.prepare(tob_files.write(tmp_path / "whole", quotes, trades), tmp_path / "one", request())
    folder = parts(tmp_path / "parts", quotes, trades, ranges)
    out, report = prepare.prepare(folder, tmp_path / "two", request())
    assert [one.name for one in out.sessions] == ["20240102"]
    assert out.sessions[0].n_trades == whole.sessions[0].n_trades
    assert out.data_hash == whole.data_hash
    said = [note for note in report[0]["notes"] if "read once" in note]
    assert bool(said) == (ranges[0][1] != 250)


def test_rows_of_one_time_that_a_download_cuts_in_two_are_read_once(tmp_path):
    quotes, trades = tob_files.market(100, 1.0, 50)
    ts = quotes["ts"][50] + 7
    early, late = trades[trades["ts"] < ts], trades[trades["ts"] > ts]
    trades = pd.concat([early, pd.concat([late.iloc[:1].assign(ts=ts)] * 100), late])
    count = len(early)
    folder = tmp_path / "raw"
    folder.mkdir()
    quotes.to_csv(folder / "tob_X_20240102.csv", index=False)
    # the first file ends inside of the hundred trades of one time, the second begins five trades before them
    trades.iloc[: count + 75].to_csv(folder / "trade_X_20240102_00.csv", index=False)
    trades.iloc[count - 5 :].to_csv(folder / "trade_X_20240102_01.csv", index=False)
    out, _ = prepare.prepare(folder, tmp_path / "store", request(limit=1.0, allow=True))
    assert out.sessions[0].n_trades == 150


@pytest.mark.parametrize("kind", ["tob", "trade"])
def test_files_that_disagree_are_refused_and_both_named(tmp_path, kind):
    folder = tob_files.write(tmp_path / "raw", *tob_files.market(1000, 1.0, 200))
    (folder / "other").mkdir()
    other = dict(zip(("tob", "trade"), tob_files.market(1000, 1.0, 200, seed=1), strict=True))[kind]
    other.to_csv(folder / "other" / f"{kind}_X_20240102.csv", index=False)
    with pytest.raises(
        errors.DataError, match=r"both hold .* of X from 2024-01-02 14:.*two markets under one name"
    ) as no:
        prepare.prepare(folder, tmp_path / "store", request())
    for path in (folder / f"{kind}_X_20240102.csv", folder / "other" / f"{kind}_X_20240102.csv"):
        assert str(path) in str(no.value)
    assert not (tmp_path / "store").exists()
