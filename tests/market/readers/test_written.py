"""Ways of writing one and the same table: what is read gives the same rows, what is not is refused by name."""

import csv
import io

import numpy as np
import pandas as pd
import pyarrow as pa
import pytest
from pyarrow import parquet

from tests.market import tob_files
from tfmm import errors
from tfmm.market import raw, readers
from tfmm.market.readers import delimited, dialect

SECOND = 10**9


def read(path):
    """((K,) raw.RAW, Tally) of a file of one instrument."""
    tally = delimited.Tally()
    source = readers.detect(path)
    rows = [rows for _, rows in delimited.read(source, tally)]
    return np.concatenate(rows) if rows else np.empty(0, raw.RAW), tally


def quotes(rows=300):
    """Quotes with prices of 970 to 1300 and sizes of 1000 to 8000: with and without thousands."""
    frame, _ = tob_files.market(rows=rows, trades=30)
    frame["bid"] = (frame["bid"] + np.where(np.arange(rows) < rows / 2, 0, -260)).round(2)
    frame["ask"] = (frame["bid"] + 0.05).round(2)
    return frame


def text(frame, **options):
    return frame.to_csv(index=False, **options)


def money(frame, pattern, columns=("bid", "bid_size", "ask", "ask_size")):
    out = frame.copy()
    for name in columns:
        out[name] = [pattern(value) for value in frame[name]]
    return out


def german(value):
    return f"{value:,.2f}".translate(str.maketrans(",.", ".,"))


def quoted(frame):
    out = io.StringIO()
    frame.astype(str).to_csv(out, index=False, quoting=csv.QUOTE_ALL)
    return out.getvalue()


def excel(frame):
    days = [f"{ts / 86_400e9 + 25_569:.11f}" for ts in frame["ts"]]
    return text(frame.assign(ts=days))


WAYS = {
    "semicolon": lambda frame: text(frame, sep=";"),
    "tab": lambda frame: text(frame, sep="\t"),
    "bar": lambda frame: text(frame, sep="|"),
    "decimal comma": lambda frame: text(frame, sep=";", decimal=","),
    "decimal comma after a tab": lambda frame: text(frame, sep="\t", decimal=","),
    "sep= of Excel": lambda frame: "sep=;\r\n" + text(frame, sep=";", lineterminator="\r\n"),
    "index": lambda frame: frame.to_csv(),
    "index that was read": lambda frame: text(pd.read_csv(io.StringIO(frame.to_csv()))),
    "index without a name in the header": lambda frame: frame.to_csv(index_label=False),
    "spaces": lambda frame: text(frame).replace(",", ", ").replace("ts", " ts "),
    "quoted": quoted,
    "byte order mark": lambda frame: "\ufeff" + text(frame),
    "carriage returns": lambda frame: text(frame, lineterminator="\r\n"),
    "separator at the end": lambda frame: text(frame).replace("\n", ",\n"),
    "comments": lambda frame: "# from a recorder\n# one, two, three\n\n" + text(frame),
    "comments between": lambda frame: text(frame[:100]) + "# restarted\n" + text(frame[100:], header=False),
    "header as a comment": lambda frame: "#" + text(frame),
    "title": lambda frame: "Quotes of X\n" + text(frame),
    "empty lines": lambda frame: "\n" + text(frame).replace("\n", "\n\n", 5),
    "header again": lambda frame: text(frame[:100]) + text(frame[100:200]) + text(frame[200:]),
    "thousands": lambda frame: text(money(frame, lambda value: f"{value:,.2f}")),
    "thousands and whole sizes": lambda frame: text(
        money(money(frame, lambda value: f"{value:,.2f}", ("bid", "ask")), lambda value: f"{value:,d}",
              ("bid_size", "ask_size"))
    ),
    "dollars": lambda frame: text(money(frame, lambda value: f"${value:,.2f}", ("bid", "ask"))),
    "euros behind": lambda frame: text(money(frame, lambda value: f"{value:.2f} \u20ac", ("bid", "ask"))),
    "German": lambda frame: text(money(frame, german), sep=";"),
    "French": lambda frame: text(money(frame, lambda value: f"{value:,.2f}".replace(",", "\u202f").replace(".", ",")),
                                 sep=";"),
    "Swiss": lambda frame: text(money(frame, lambda value: f"{value:,.2f}".replace(",", "'"))),
    "NULs": lambda frame: text(money(frame, lambda value: f"{value}\0\0", ("bid",))),
    "ISO": lambda frame: text(frame.assign(ts=pd.to_datetime(frame["ts"], utc=True).map(lambda one: one.isoformat()))),
    "ISO in New York": lambda frame: text(
        frame.assign(ts=pd.to_datetime(frame["ts"], utc=True).dt.tz_convert("America/New_York"))
    ),
    "slashes, comma, UTC": lambda frame: text(
        frame.assign(ts=pd.to_datetime(frame["ts"]).dt.strftime("%Y/%m/%d %H:%M:%S,%f UTC")), sep=";"
    ),
    "ms with a fraction": lambda frame: text(frame.assign(ts=frame["ts"] / 1e6)),
    "days of Excel": excel,
    "ms, then us": lambda frame: text(frame.assign(ts=np.where(frame.index < 250, frame["ts"] // 10**6,
                                                               frame["ts"] // 10**3))),
}  # fmt: skip


@pytest.mark.parametrize("way", list(WAYS))
def test_the_same_rows_however_they_are_written(tmp_path, way):
    frame = quotes()
    # times of whole ms, which all ways can hold
    frame["ts"] = frame["ts"] // 10**6 * 10**6
    (tmp_path / "tob_X_20240102.csv").write_bytes(WAYS[way](frame).encode())
    rows, tally = read(tmp_path / "tob_X_20240102.csv")
    expected = frame.astype(float)
    assert len(rows) == 300
    np.testing.assert_array_equal(rows["ts"], frame["ts"])
    for name, column in (("lo", "bid"), ("hi", "ask"), ("lo_size", "bid_size"), ("hi_size", "ask_size")):
        np.testing.assert_array_equal(rows[name], expected[column], err_msg=name)
    assert (tally.malformed, tally.wrong) == (0, {})


@pytest.mark.parametrize(
    ("way", "note"),
    [
        ("decimal comma", "commas are decimal marks"),
        ("German", "'.' between digits parts thousands"),
        ("header again", "tob_X_20240102.csv: 2 headers between the rows are left out"),
        ("comments between", "tob_X_20240102.csv: 1 comments between the rows are left out"),
        ("days of Excel", "times of column ts have no zone, taken as UTC"),
        ("ms, then us", "times of column ts are in several units, told apart by their size: 250 in ms and 50 in us"),
    ],
)
def test_what_was_taken_for_granted_is_said(tmp_path, way, note):
    (tmp_path / "tob_X_20240102.csv").write_bytes(WAYS[way](quotes()).encode())
    assert any(one.endswith(note) for one in read(tmp_path / "tob_X_20240102.csv")[1].notes)
    (tmp_path / "tob_X_20240102.csv").write_text(text(quotes()))
    assert read(tmp_path / "tob_X_20240102.csv")[1].notes == []


def naive(frame):
    return frame.assign(ts=pd.to_datetime(frame["ts"]).dt.strftime("%Y-%m-%dT%H:%M:%S.%f"))


def test_times_without_a_zone_are_told(tmp_path):
    (tmp_path / "tob_X_20240102.csv").write_text(text(naive(quotes())))
    assert read(tmp_path / "tob_X_20240102.csv")[1].notes == ["times of column ts have no zone, taken as UTC"]
    frame = quotes().assign(ts=pd.to_datetime(quotes()["ts"]))
    frame.to_parquet(tmp_path / "tob_X_20240102.parquet")
    assert read(tmp_path / "tob_X_20240102.parquet")[1].notes == ["times of column ts have no zone, taken as UTC"]


REFUSED = {
    # a mark before three digits may be either: 4,913 is 4.913 or 4913
    "either mark": (
        lambda frame: quoted(money(frame, lambda value: f"{value / 1000:.3f}".replace(".", ","), ("bid",))),
        r"column bid: 300 of 300 cells are no numbers, the first is '1,234' in line 2; wanted numbers like 1234\.05: "
        "the ',' may be a decimal mark or not",
    ),
    "both marks": (
        lambda frame: text(money(frame, lambda value: f"{value:.2f}".replace(".", ","), ("bid",)), sep=";"),
        r"column bid: 300 of 300 cells are no numbers, the first is '1234,05' in line 2",
    ),
    "words": (
        lambda frame: text(frame.assign(ask="high")),
        r"column ask: 300 of 300 cells are no numbers, the first is 'high' in line 2; wanted numbers like 1234\.05",
    ),
    "sizes in words": (
        lambda frame: "# one\n\n" + text(frame.assign(ask_size="1k")),
        "column ask_size: 300 of 300 cells are no numbers, the first is '1k' in line 4",
    ),
    "times of day": (
        lambda frame: text(frame.assign(ts="14:00:00.123")),
        "column ts: 300 of 300 cells are no times between 1990 and 2100, the first is '14:00:00.123' in line 2; wanted",
    ),
    "American dates": (
        lambda frame: text(frame.assign(ts="01/02/2024 14:00:00")),
        "the first is '01/02/2024 14:00:00' in line 2",
    ),
    "row numbers": (lambda frame: text(frame.assign(ts=frame.index)), "the first is '0' in line 2"),
    "other columns": (
        lambda frame: text(frame[:200]) + text(frame[200:], columns=["ts", "bid", "ask", "bid_size", "ask_size"]),
        "line 202 is another header, wanted the columns in one order: split the file there",
    ),
    "no zone and a zone": (
        lambda frame: (
            text(naive(frame)[:200])
            + text(naive(frame)[200:], header=False)
            .replace(",", "Z,", 1)
            .replace("\n2024", "Z\n2024")
            .replace("0,9", "0+00:00,9")
        ),
        "column ts: 200 times have no zone and 100 have one, wanted UTC or an offset in all of them",
    ),
    "more cells than names": (
        lambda frame: text(frame).replace("\n1", "\nx,1"),
        r"most rows have 6 cells, but the header 5 \(ts, bid, bid_size, ask, ask_size\), wanted as many",
    ),
    "old Macintosh": (lambda frame: text(frame, lineterminator="\r"), "lines end with a carriage return alone"),
}


@pytest.mark.parametrize("way", list(REFUSED))
def test_what_cannot_be_read_names_column_line_and_cell(tmp_path, way):
    change, words = REFUSED[way]
    path = tmp_path / "tob_X_20240102.csv"
    path.write_bytes(change(quotes()).encode())
    with pytest.raises(errors.DataError, match=words) as refusal:
        read(path)
    assert str(path) in str(refusal.value)


@pytest.mark.parametrize("unit", ["us", "ms"])
def test_times_of_another_unit_than_their_type_says(tmp_path, unit):
    # whole ns labelled as us: 1.7042e18 us after 1970 is the year 55 974
    frame = quotes()
    stamps = pa.array(frame["ts"].to_numpy()).cast(pa.timestamp(unit, "UTC"), safe=False)
    path = tmp_path / "tob_X_20240102.parquet"
    parquet.write_table(pa.table({**{name: frame[name] for name in frame}, "ts": stamps}), path)
    year = {"us": 55_974, "ms": 54_006_045}[unit]
    with pytest.raises(
        errors.DataError,
        match=rf"column ts: 300 of 300 cells are no times .*'1704204000000000000 {unit} \(the year {year}\)' in row 1",
    ):
        read(path)


def test_some_wrong_cells_and_lines_are_counted_and_the_first_is_shown(tmp_path):
    lines = text(quotes()).splitlines()
    lines[11] = lines[11].replace(",12", ",x12", 1)
    lines[17] = lines[17].replace(",12", ",y12", 1)
    lines[20] += ",7"
    lines[30] = "Total,,,,"
    path = tmp_path / "tob_X_20240102.csv"
    path.write_text("\n".join(lines))
    rows, tally = read(path)
    assert np.isnan(rows["lo"]).sum() == 3
    assert (rows["ts"] == raw.TIME_UNKNOWN).sum() == 1
    assert tally.malformed == 1
    assert (
        tally.wrong["bid"].sentence(299)
        == f"2 of 299 cells are no numbers, the first is {lines[11].split(',')[1]!r} in line 12"
    )
    assert any(
        "column ts: 1 of 299 cells is not a time between 1990 and 2100, the first is 'Total'" in one
        for one in tally.notes
    )
    assert any("1 line has another number of cells than the others, the first" in one for one in tally.notes)


def test_a_stray_number_of_another_unit_is_no_time_of_a_century_ago(tmp_path):
    frame = quotes()
    frame["ts"] = frame["ts"] // 10**6
    frame.loc[7, "ts"] = 10**15  # us: 2001
    frame.loc[9, "ts"] = frame.loc[9, "ts"] // 1000  # s
    path = tmp_path / "tob_X_20240102.csv"
    path.write_text(text(frame))
    rows, _ = read(path)
    assert rows["ts"][7] == raw.TIME_UNKNOWN
    assert rows["ts"][9] == frame.loc[9, "ts"] * SECOND


def test_ids_that_a_spreadsheet_has_rounded_are_none(tmp_path):
    # 3.29E+09 would be the id of many trades, and equal trades of one time would be dropped as repeated
    path = tmp_path / "BTCUSDT-trades-2024-01-02.csv"
    path.write_text(
        "id,price,qty,quote_qty,time,is_buyer_maker\n3.29E+09,100.5,1,100.5,1704204000000,FALSE\n"
        "3290000007,100.5,1,100.5,1704204000001,TRUE\n"
    )
    rows, _ = read(path)
    assert rows["sequence"].tolist() == [raw.NO_SEQUENCE, 3_290_000_007]
    assert rows["side"].tolist() == [1, -1]


@pytest.mark.parametrize(
    ("line", "names"),
    [
        ("<TICKER>,<DATE>,<LAST>", ("TICKER", "DATE", "LAST")),
        ("trade_id/\u6210\u4ea4\u7f16\u53f7,side,price", ("trade_id", "side", "price")),
        (",Unnamed: 0,ts,bid ($),ask", ("column_0", "Unnamed: 0", "ts", "bid ($)", "ask")),
        ("1,2,3", ()),
        ("BTCUSDT,true,price", ()),  # words that a trade has
        ("id,exchange,price,sell", ("id", "exchange", "price", "sell")),  # and a column of Kaiko's
        ("2024-01-02,X,Y", ()),
    ],
)
def test_headers(tmp_path, line, names):
    assert dialect.find(tmp_path, [line]).header == names
