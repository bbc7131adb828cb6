"""Databento's DBN: files written by the vendor's own library."""

import databento_dbn as dbn
import numpy as np
import pyarrow as pa
import pytest

from tests.market.readers.dbn_files import SIDES, event, level, listed, metadata, order, read
from tfmm import errors
from tfmm.market import raw, readers, schema
from tfmm.market.readers import delimited

NOON, DAY, PX = 1_719_835_200_000_000_000, 86_400 * 10**9, 10**9  # 2024-07-01 12:00
UNDEFINED = dbn.UNDEF_PRICE
BUY, SELL, NAN = schema.BUY, schema.SELL, float("nan")


@pytest.fixture
def written(tmp_path):
    def write(*parts, name="file.dbn"):
        (tmp_path / name).write_bytes(b"".join(parts))
        return tmp_path / name

    return write


BOOK = (100 * PX, 5, 101 * PX, 6)


def test_events_are_quotes_and_a_trade_follows_the_quote_before_it(written):
    path = written(
        metadata("mbp-1", ("ESU4", 1, 3, 118)),
        event(NOON, "A", "B", 100 * PX, 5, BOOK, 7), event(NOON + 1, "T", "A", 100 * PX, 3, BOOK, 8),
        event(NOON + 1, "C", "B", 100 * PX, 5, (UNDEFINED, 0, 101_250_000_000, 6), 9),
    )  # fmt: skip
    source, found = read(path)
    assert source.layout.name == "databento DBN mbp-1"
    np.testing.assert_array_equal(
        listed(found["ESU4"]),
        [(NOON, 100, 101, 5, 6, 0), (NOON + 1, 100, 101, 5, 6, 0), (NOON + 1, 100, 100, 3, 3, SELL),
         (NOON + 1, NAN, 101.25, 0, 6, 0)],
    )  # fmt: skip
    assert found["ESU4"]["sequence"].tolist() == [7, 8, 8, 9]


@pytest.mark.parametrize("codec", [None, "zstd", "gzip"])
def test_compressed_files(written, codec):
    data = metadata("tbbo", ("ESU4", 1, 3, 118)) + event(NOON, "T", "B", 101 * PX, 3, BOOK, 8)
    path = written(data if codec is None else pa.compress(data, codec, asbytes=True), name="x.tbbo.dbn.zst")
    source, found = read(path)
    assert source.layout.name == "databento DBN tbbo"
    assert listed(found["ESU4"]) == [(NOON, 100, 101, 5, 6, 0), (NOON, 101, 101, 3, 3, BUY)]


def test_ten_levels_give_the_best(written):
    path = written(
        metadata("mbp-10", ("ESU4", 1, 3, 118)), event(NOON, "A", "B", 100 * PX, 5, BOOK, 7, kind=dbn.MBP10Msg)
    )
    assert listed(read(path)[1]["ESU4"]) == [(NOON, 100, 101, 5, 6, 0)]


def test_intervals_are_quotes_at_their_end_and_no_trades(written):
    """ts_event of bbo is the time of the last trade, whose price and side it repeats."""
    one = dbn.BBOMsg(
        rtype=0xC3, publisher_id=1, instrument_id=118, ts_event=NOON - DAY, price=99 * PX, size=1, side=dbn.Side.ASK,
        ts_recv=NOON, levels=level(*BOOK),
    )  # fmt: skip
    source, found = read(written(metadata("bbo-1s", ("ESU4", 1, 3, 118)), bytes(one)))
    assert source.layout.name == "databento DBN bbo-1s"
    assert listed(found["ESU4"]) == [(NOON, 100, 101, 5, 6, 0)]


def test_trades(written):
    def trade(ts, side, price):
        return bytes(
            dbn.TradeMsg(
                publisher_id=1, instrument_id=118, ts_event=ts, price=price, size=2, action=dbn.Action.TRADE,
                side=SIDES[side], depth=0, ts_recv=ts, sequence=4,
            )
        )  # fmt: skip

    path = written(
        metadata("trades", ("ESU4", 1, 3, 118)), trade(NOON, "B", 1), trade(NOON, "A", -PX), trade(2**64 - 1, "N", PX)
    )
    assert listed(read(path)[1]["ESU4"]) == [
        (NOON, 1e-9, 1e-9, 2, 2, BUY), (NOON, -1, -1, 2, 2, SELL), (raw.TIME_UNKNOWN, 1, 1, 2, 2, 0)
    ]  # fmt: skip


def test_a_book_that_databento_calls_doubtful_is_unknown(written):
    path = written(
        metadata("mbp-1", ("ESU4", 1, 3, 118)), event(NOON, "A", "B", PX, 5, BOOK, 7, flags=dbn.F_MAYBE_BAD_BOOK)
    )
    np.testing.assert_array_equal(listed(read(path)[1]["ESU4"]), [(NOON, NAN, NAN, NAN, NAN, 0)])


def test_an_undefined_size_is_missing_and_a_time_of_sending_is_passed_over(written):
    """Live captures may end each record with the time at which it was sent, 8 bytes more."""
    one = bytearray(event(NOON, "A", "B", PX, 5, (100 * PX, dbn.UNDEF_ORDER_SIZE, 101 * PX, 6), 7))
    one[0] += 2
    sent = bytes(one) + NOON.to_bytes(8, "little")
    path = written(metadata("mbp-1", ("ESU4", 1, 3, 118)), sent, sent)
    np.testing.assert_array_equal(listed(read(path)[1]["ESU4"]), [(NOON, 100, 101, NAN, 6, 0)] * 2)


def test_symbols_at_the_date_of_a_row(written):
    """Id 118 is ESU4 on the first of July and NQU4 on the second; 119 is named by a mapping record, 120 by nothing."""
    named = dbn.SymbolMappingMsg(
        publisher_id=1, instrument_id=119, ts_event=NOON, stype_in=dbn.SType.PARENT, stype_in_symbol="ES.FUT",
        stype_out=dbn.SType.RAW_SYMBOL, stype_out_symbol="ESZ4", start_ts=0, end_ts=0,
    )  # fmt: skip
    rows = [
        event(NOON + k * DAY, "A", "B", PX, 5, BOOK, 7, number=number)
        for k, number in ((0, 118), (1, 118), (0, 119), (0, 120))
    ]
    _, found = read(written(metadata(None, ("ESU4", 1, 2, 118), ("NQU4", 2, 3, 118)), bytes(named), *rows))
    assert {name: len(rows) for name, rows in found.items()} == {"ESU4": 1, "NQU4": 1, "ESZ4": 1, "120": 1}
    assert found["NQU4"]["ts"] == NOON + DAY


def test_ids_and_publishers_that_share_a_symbol_are_told_apart(written):
    """Two contracts of a parent, a continuous symbol before and after its roll, and a second venue of the first."""
    rows = [
        event(NOON + k * DAY, "A", "B", PX, 5, BOOK, 7, number=number) for k, number in ((0, 1), (0, 2), (0, 3), (1, 4))
    ]
    other = bytearray(rows[0])
    other[2:4] = (39).to_bytes(2, "little")
    mappings = [("ES.FUT", 1, 3, 1), ("ES.FUT", 1, 3, 2), ("ES.c.0", 1, 2, 3), ("ES.c.0", 2, 3, 4)]
    path = written(metadata("mbp-1", *mappings), *rows, bytes(other))
    found = {key for key, _ in delimited.read(readers.detect(path), delimited.Tally())}
    assert found == {
        ("ES.FUT", "pub1", "1"), ("ES.FUT", "pub1", "2"), ("ES.c.0", "pub1", "3"), ("ES.c.0", "pub1", "4"),
        ("ES.FUT", "pub39", "1"),
    }  # fmt: skip


def test_quotes_of_all_venues_together_are_one_market(written):
    """The publisher of cmbp-1 is that of the event; the quotes are the best of all."""
    rows = [bytearray(event(NOON + k, "A", "B", PX, 5, BOOK, 7)) for k in range(2)]
    for row, publisher in zip(rows, (2, 39), strict=True):
        row[1], row[2:4] = 0xB1, publisher.to_bytes(2, "little")
    path = written(metadata("cmbp-1", ("AAPL", 1, 3, 118)), *map(bytes, rows))
    found = [(key, len(part)) for key, part in delimited.read(readers.detect(path), delimited.Tally())]
    assert found == [(("AAPL", "", "118"), 2)]


def test_symbols_of_files_asked_for_by_id(written):
    path = written(metadata("mbp-1", ("ESU4", 1, 3, 118), by_id=True), event(NOON, "A", "B", PX, 5, BOOK, 7))
    assert list(read(path)[1]) == ["ESU4"]


def test_orders_make_a_book_and_trades_leave_it_as_it_is(written):
    """The snapshot is of NOON + 1, its orders of the day before: 1 of 5 and 2 of 2 at 100, 3 of 6 at 101. A trade of 4
    with order 1 leaves 5 + 2 - 4 = 3. Order 3 moves to 100.5, then 1 and 2 are cancelled: no bid."""
    old, snapshot = NOON - DAY, dbn.F_SNAPSHOT | dbn.F_LAST
    path = written(
        metadata("mbo", ("ESU4", 1, 3, 118)),
        order(NOON, "C", "B", 99 * PX, 1, 9),  # before the snapshot: says nothing
        order(old, "R", "N", UNDEFINED, 0, 0, dbn.F_SNAPSHOT, NOON + 1),
        order(old, "A", "B", 100 * PX, 5, 1, snapshot, NOON + 1),
        order(old, "A", "B", 100 * PX, 2, 2, snapshot, NOON + 1),
        order(old, "A", "A", 101 * PX, 6, 3, snapshot, NOON + 1),
        order(NOON + 1, "A", "A", 102 * PX, 1, 4),
        order(NOON + 2, "T", "A", 100 * PX, 4, 0, flags=0), order(NOON + 2, "F", "B", 100 * PX, 4, 1, flags=0),
        order(NOON + 2, "C", "B", 100 * PX, 4, 1), order(NOON + 3, "M", "A", 100_500_000_000, 3, 3),
        order(NOON + 4, "C", "B", 100 * PX, 1, 1, flags=0), order(NOON + 4, "C", "B", 100 * PX, 2, 2),
        order(NOON + 5, "C", "B", 100 * PX, 2, 77),  # an order that is not known
    )  # fmt: skip
    source, found = read(path)
    rows = found["ESU4"]
    assert source.layout.name == "databento DBN mbo"
    assert listed(rows[rows["kind"] == schema.TRADE]) == [(NOON + 2, 100, 100, 4, 4, SELL)]
    np.testing.assert_array_equal(
        listed(rows[rows["kind"] == schema.QUOTE]),
        [(NOON + 1, 100, 101, 7, 6, 0), (NOON + 2, 100, 101, 3, 6, 0), (NOON + 3, 100, 100.5, 3, 3, 0),
         (NOON + 4, NAN, 100.5, NAN, 3, 0), (NOON + 5, NAN, NAN, NAN, NAN, 0)],
    )  # fmt: skip


def test_a_quote_of_a_snapshot_has_the_time_of_the_snapshot(written):
    """Each day's file begins with one, whose event may be of the day before; here it was sent 5 ns after its event."""
    path = written(
        metadata("mbp-1", ("ESU4", 1, 3, 118)), event(NOON, "A", "N", PX, 5, BOOK, 7, flags=dbn.F_SNAPSHOT | dbn.F_LAST)
    )
    assert read(path)[1]["ESU4"]["ts"].tolist() == [NOON + 5]


def test_orders_without_a_cleared_book_are_refused(written):
    path = written(metadata("mbo", ("ESU4", 1, 3, 118)), order(NOON, "A", "B", PX, 1, 9))
    with pytest.raises(errors.DataError, match="1 changes of the order book of ESU4, but no snapshot"):
        read(path)


@pytest.mark.parametrize("name", ["mbp-1", "mbo"])
def test_cut_and_damaged_files_give_rows_or_an_error_that_names_them(written, name):
    one = event(NOON, "A", "B", 100 * PX, 5, BOOK, 7) if name == "mbp-1" else order(NOON, "R", "N", PX, 1, 9)
    data = metadata(name, ("ESU4", 1, 3, 118)) + one * 20
    for seed in range(60):
        random = np.random.default_rng(seed)
        spoiled = bytearray(data)
        for _ in range(seed % 4):
            spoiled[random.integers(0, len(data))] = random.integers(0, 256)
        path = written(bytes(spoiled[: random.integers(1, len(data) + 1)]))
        try:
            _, found = read(path)
        except errors.DataError as error:
            assert str(path) in str(error)
            continue
        for rows in found.values():
            known = rows["ts"][rows["ts"] != raw.TIME_UNKNOWN] // 10**9
            assert ((known >= 631_152_000) & (known <= 4_102_444_800)).all()


def test_schemas_without_quotes_and_trades_are_refused_by_name_and_passed_over_beside_others(written, tmp_path):
    bars = written(metadata("ohlcv-1s", ("ESU4", 1, 3, 118)), name="bars.dbn")
    with pytest.raises(
        errors.DataError, match=r"bars.dbn: is DBN of schema ohlcv-1s, wanted one with quotes or trades: mbp-1"
    ):
        readers.find(bars)
    written(metadata("mbp-1", ("ESU4", 1, 3, 118)), event(NOON, "A", "B", PX, 5, BOOK, 7), name="events.dbn")
    found = readers.find(tmp_path)
    assert [one.path.name for one in found.sources] == ["events.dbn"]
    assert [one.what for one in found.passed] == ["other data type"]


def test_a_record_that_is_cut_is_a_row_without_a_time(written):
    one = event(NOON, "A", "B", 100 * PX, 5, BOOK, 7)
    _, found = read(written(metadata("mbp-1", ("ESU4", 1, 3, 118)), one, one[:50]))
    assert len(found.pop("ESU4")) == 1
    assert [rows["ts"].tolist() for rows in found.values()] == [[raw.TIME_UNKNOWN]]


def test_the_real_file(shared_data):
    folder = shared_data.parent / "cases" / "ingest" / "lay_databento_dbn" / "raw"
    if not folder.is_dir():
        pytest.skip("no cases beside the checkout")
    _, found = read(next(folder.iterdir()))
    rows = found["ESU4"]
    trades = rows["side"][rows["kind"] == schema.TRADE]
    assert (len(rows), len(trades), (trades == BUY).sum(), (trades == SELL).sum()) == (2408, 120, 66, 54)
    assert set(rows["lo"][rows["kind"] == schema.QUOTE] % 0.25) == {0}
