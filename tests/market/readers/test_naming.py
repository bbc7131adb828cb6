"""Which instrument, venue and session the path of a file names."""

import pytest

from tfmm import errors
from tfmm.market import readers
from tfmm.market.readers import naming

TOB = "ts,bid,bid_size,ask,ask_size\n1577836800000000001,1.5,2,1.6,3\n"


@pytest.mark.parametrize(
    ("path", "symbol", "session"),
    [
        ("tob_510300_20201019.csv", "510300", "20201019"),
        ("tob_20201019_510300.csv", "510300", "20201019"),
        ("tob_2020-10-19_510300.csv", "510300", "20201019"),
        ("tob_EUR-USD_2024_01_01.csv", "EUR-USD", "20240101"),
        ("510050/tob_20201019.parquet", "510050", "20201019"),
        ("2024-01-01/tob_ETHUSDT.parquet", "ETHUSDT", "20240101"),
        ("quotes_510300_20201019.csv", "510300", "20201019"),
        ("trades_510300_20201019.csv", "510300", "20201019"),
        ("TOB_X_20240102.CSV", "X", "20240102"),
        ("tob.BTCUSDT.20240101.csv", "BTCUSDT", "20240101"),
        ("BTCUSDT_tob_20240101.csv.bz2", "BTCUSDT", "20240101"),
        ("Müllers Ticks ☂/tob_X_20240102.csv", "X", "20240102"),
        ("tob_USD_RUB.parquet", "USD_RUB", ""),
        ("tob_BTCUSD_PERP.csv", "BTCUSD_PERP", ""),
        ("tob_ES_H4.csv", "ES_H4", ""),
        ("tob_BTCUSD_PERP_20240808.csv", "BTCUSD_PERP", "20240808"),
        ("tob_BRK.B_20240101.csv", "BRK.B", "20240101"),
        ("tob_ES.c.0_20240101.csv", "ES.c.0", "20240101"),
        ("tob_BTC%2FUSDT:USDT_20240101.csv", "BTC/USDT:USDT", "20240101"),
        ("trade_X_day1.csv", "X", "day1"),
        ("tob_510300_1.csv", "510300", "1"),
        ("tob_X_2024-01.csv", "X", ""),
        ("tob_BTCUSD_240927_20240801.csv", "BTCUSD_240927", "20240801"),
        ("tob_TICK_20240101.csv", "TICK", "20240101"),
        ("tob_BTCUSDT_20240101_05.csv", "BTCUSDT", "20240101"),
        ("tob_2024-01-01T05_BTCUSDT.csv", "BTCUSDT", "20240101"),
        ("tob_20240101_000001.csv", "000001", "20240101"),
        ("000001/tob_20240101_05.csv", "000001", "20240101"),
        ("tob_x_20240101.csv", "x", "20240101"),
        ("tob_EURUSD_20240101_20240131.csv", "EURUSD", ""),
    ],
)  # fmt: skip
def test_files_of_ours(path, symbol, session):
    found = naming.identify(path.split("/"))
    assert (found.symbol, found.session, found.problem) == (symbol, session, "")


@pytest.mark.parametrize(
    ("path", "symbol", "venue"),
    [
        ("XRP_ETH-trades.feather", "XRP_ETH", ""),
        ("XRP_ETH.trades.csv", "XRP_ETH", ""),
        ("BTCUSDT_TRADES.csv", "BTCUSDT", ""),
        ("BTC-USDT-trades-2025-04-19.csv", "BTC-USDT", ""),
        ("币安人生USDT-bookTicker-2024-01-02.csv", "币安人生USDT", ""),
        ("BTCUSDT2024-01-01.csv", "BTCUSDT", ""),
        ("binance-futures_trades_2024-01-01_BTCUSDT.csv.gz", "BTCUSDT", "binance-futures"),
        ("my-venue_quotes_2024-01-02_XBT-USD.csv", "XBT-USD", "my-venue"),
        ("BRK.B_quotes_20240101.csv", "BRK.B", ""),
        ("BTCUSDT_240927-trades-2024-01-01.zip/BTCUSDT_240927-trades-2024-01-01.csv", "BTCUSDT_240927", ""),
        ("BTCUSDT-trades-2024-01-01.zip/data.csv", "BTCUSDT", ""),
        ("btcusdt_20240808.gz", "BTCUSDT", ""),
        ("BTCUSDT/2024/01/02/trades.csv.gz", "BTCUSDT", ""),
        ("BTCUSDT/20240101/05.csv", "BTCUSDT", ""),
        ("bybit/tob_BTCUSDT_20240101.csv", "BTCUSDT", "bybit"),
        ("okex/spot/BTC-USDT/trades.csv", "BTC-USDT", "okx"),
        ("binance_BTCUSDT_trades_2024-01-01.csv", "BTCUSDT", "binance"),
        ("BTCUSDT@BYBIT_trades.csv", "BTCUSDT", "bybit"),
        ("symbol=BTCUSDT/date=2024-01-01/part-0.parquet", "BTCUSDT", ""),
        ("exchange=BINANCE/symbol=BTC%2FUSDT/year=2024/month=1/day=3/0.parquet", "BTC/USDT", "binance"),
        ("symbol=BTC-USDT/BTCUSDT_trades.csv", "BTC-USDT", ""),
        ("EURGBP_202211.csv", "EURGBP", ""),
        ("DAT_ASCII_EURUSD_T_202401.csv", "EURUSD", ""),
        ("2024-12-01_XRPUSDT_ob500.data.zip", "XRPUSDT", ""),
        ("AMZN_2012-06-21_34200000_57600000_message_1.csv", "AMZN", ""),
        ("xnas-itch-20240101.mbp-1.csv.zst", "", ""),
        ("BTC-27SEP24-60000-C_trades_2024-01-01.csv", "BTC-27SEP24-60000-C", ""),
        ("trades.csv.gz", "", ""),
        ("BTCUSDT/202401/trades_20240105.csv", "BTCUSDT", ""),
        ("BTCUSDT_quotes_1.csv", "BTCUSDT", ""),
        ("BTCUSDT-trades-part-003.csv", "BTCUSDT", ""),
        ("backup/day1/BTCUSDT-trades (2).csv", "BTCUSDT", ""),
    ],
)  # fmt: skip
def test_files_of_vendors(path, symbol, venue):
    assert naming.identify(path.split("/"))[:2] == (symbol, venue)


def test_days_of_hive_folders():
    assert naming.identify(["symbol=X", "date=2024-01-02", "tob.parquet"]).session == "20240102"
    assert naming.identify(["symbol=X", "year=2024", "month=1", "day=2", "tob.parquet"]).session == "20240102"
    assert naming.identify(["X", "2024", "01", "02", "tob.parquet"]).session == "20240102"


@pytest.mark.parametrize(
    ("path", "words"),
    [
        ("tob_20240101.csv", "neither its name nor its folders name an instrument"),
        ("tob_BTCUSD_240927.csv", "240927 in its name may be a day, a month or an expiry"),
        ("202401/tob_20240105.csv", "202401 may be a month or an instrument"),
        ("tob_HSI_2401.csv", "2401 in its name may be a session or a part of the symbol"),
        ("tob_ES_20240101_H4.csv", "'ES' and 'H4' in its name may both be the instrument"),
        ("BTCUSDT/tob_20240101_050000.csv", "050000 in its name may be a time or an instrument"),
        (
            "symbol=BTCUSDT/tob_ETHUSDT_20240101.csv",
            "'ETHUSDT' in its name and 'BTCUSDT' in symbol=BTCUSDT may both be",
        ),
    ],
)
def test_a_name_that_can_be_read_in_two_ways_is_refused_not_guessed(tmp_path, path, words):
    file = tmp_path / path
    file.parent.mkdir(exist_ok=True)
    file.write_text(TOB)
    with pytest.raises(errors.DataError, match=words) as refusal:
        readers.find(tmp_path)
    assert str(file) in str(refusal.value)
    assert "wanted tob_SYMBOL_DATE" in str(refusal.value)
