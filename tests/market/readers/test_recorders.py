"""Recorders of streams: which clock their rows are on, and what is no message of theirs."""

import pathlib

import pytest

from tfmm import errors
from tfmm.market import raw, readers
from tfmm.market.readers import delimited

SPOT = '{"stream":"btcusdt@bookTicker","data":{"u":4,"s":"BTCUSDT","b":"61800.20","B":"2","a":"61800.30","A":"2"}}\n'


def _rows(path: pathlib.Path):
    return [row for _, rows in delimited.read(readers.detect(path), delimited.Tally()) for row in rows]


def test_spot_quotes_without_any_time_are_refused_by_what_is_missing(tmp_path):
    path = tmp_path / "btcusdt.jsonl"
    path.write_text(SPOT * 3)
    with pytest.raises(errors.DataError, match="bookTicker of Binance spot holds no time, and no line begins with"):
        _rows(path)


def test_a_line_that_is_no_message_is_a_row_without_a_time(tmp_path):
    """Cut lines occur where a recorder is restarted; they count as bad rows and spoil no other."""
    path = tmp_path / "btcusdt.txt"
    path.write_text(f"1723161255088169167 {SPOT}1723161255088169168 {SPOT[:60]}\n1723161255088169169 {SPOT}")
    assert [row["ts"] for row in _rows(path)] == [1723161255088169167, raw.TIME_UNKNOWN, 1723161255088169169]


def test_other_json_lines_are_no_recorder_of_ours(tmp_path):
    path = tmp_path / "feed.jsonl"
    path.write_text('{"type":"status","value":1}\n' * 3)
    with pytest.raises(errors.DataError, match="no known layout"):
        readers.detect(path)
