"""Small files of vendors of data beside the exchanges' own dumps, and what they say; see `cases`."""

import pandas as pd

from tfmm.market import raw, schema

QUOTE, TRADE, BUY, SELL, UNKNOWN = schema.QUOTE, schema.TRADE, schema.BUY, schema.SELL, schema.UNKNOWN
MS, US, S = 10**6, 10**3, 10**9
NAN, NONE = float("nan"), raw.NO_SEQUENCE


def _ns(text, zone="UTC"):
    return pd.Timestamp(text, tz=zone).value


CASES = [
    (  # the columns in two languages, the instrument in the name alone
        "okx trades of a file", "BTC-USDT-trades-2025-04-19.csv",
        "trade_id/撮合id,side/交易方向,size/数量,price/价格,created_time/成交时间\n719977054,buy,0.005,84760.0,1745034103856\n",
        [("BTC-USDT", 1745034103856 * MS, 719977054, 84760, 84760, 0.005, 0.005, TRADE, BUY)],
    ),
    (  # a D between date and time
        "bitmex public quotes", "quote_20190419.csv",
        "timestamp,symbol,bidSize,bidPrice,askPrice,askSize\n2019-04-19D00:00:05.759343000,XBTUSD,10,5200.5,5201,20\n",
        [("XBTUSD", _ns("2019-04-19 00:00:05.759343"), NONE, 5200.5, 5201, 10, 20, QUOTE, 0)],
    ),
    (  # the columns of Bybit's, with times written out
        "bitmex public trades", "trade_20190419.csv",
        "timestamp,symbol,side,size,price,tickDirection,trdMatchID,grossValue,homeNotional,foreignNotional\n"
        "2019-04-19D00:00:06.5,XBTUSD,Sell,5200,5200,MinusTick,a-b,1,1.0,5200\n",
        [("XBTUSD", _ns("2019-04-19 00:00:06.5"), NONE, 5200, 5200, 5200, 5200, TRADE, SELL)],
    ),
    (  # `sell` is of the taker, and a column's name
        "kaiko trades", "Quoine_BTCAUD_trades_2016_10_12.csv",
        "id,exchange,symbol,date,price,amount,sell\n1,qn,btcaud,1476263658000,847.5,3,true\n"
        "2,qn,btcaud,1476263659000,848,1,false\n",
        [("btcaud", 1476263658000 * MS, 1, 847.5, 847.5, 3, 3, TRADE, SELL),
         ("btcaud", 1476263659000 * MS, 2, 848, 848, 1, 1, TRADE, BUY)],
    ),
    (
        "coinapi quotes", "quotes_BTCUSD_20240101.csv",
        "time_exchange;time_coinapi;ask_px;ask_sx;bid_px;bid_sx\n"
        "2024-01-01T00:00:00.1000000;2024-01-01T00:00:00.2000000;42001;2;42000;1\n",
        [("BTCUSD", 1704067200100 * MS, NONE, 42000, 42001, 1, 2, QUOTE, 0)],
    ),
    (
        "coinapi trades", "trades_BTCUSD_20240101.csv",
        "time_exchange;time_coinapi;guid;price;base_amount;taker_side\n"
        "2024-01-01T00:00:00.1;2024-01-01T00:00:00.2;x-y;42000;0.5;SELL_ESTIMATED\n",
        [("BTCUSD", 1704067200100 * MS, NONE, 42000, 42000, 0.5, 0.5, TRADE, SELL)],
    ),
    (  # a price of 0 is no quote; round lots of 100 until November 2025
        "polygon quotes", "2025-10-31.csv",
        "ticker,ask_exchange,ask_price,ask_size,bid_exchange,bid_price,bid_size,conditions,indicators,"
        "participant_timestamp,sequence_number,sip_timestamp,tape,trf_timestamp\n"
        'A,19,150.1,2,19,150.0,1,"1,81",,1,7,1761900000000000001,1,0\nA,19,0.0,0,19,150.0,3,,,1,8,1761900000000000002,1,0\n'
        "B,19,20.1,200,19,20,100,,,1,9,1770800340066046795,1,0\n",
        [("A", 1761900000000000001, 7, 150, 150.1, 100, 200, QUOTE, 0),
         ("A", 1761900000000000002, 8, 150, NAN, 300, NAN, QUOTE, 0),
         ("B", 1770800340066046795, 9, 20, 20.1, 100, 200, QUOTE, 0)],
    ),
    (  # a cancelled trade has no price
        "polygon trades", "2026-02-11.csv",
        "ticker,conditions,correction,exchange,id,participant_timestamp,price,sequence_number,sip_timestamp,size,tape\n"
        "A,,0,4,1,1,150.05,10,1770800340066046795,30,1\nA,,8,4,2,1,15.0,11,1770800340066046796,30,1\n",
        [("A", 1770800340066046795, 10, 150.05, 150.05, 30, 30, TRADE, UNKNOWN),
         ("A", 1770800340066046796, 11, NAN, NAN, 30, 30, TRADE, UNKNOWN)],
    ),
    (
        "taq quotes", "quotes.csv",
        "DT,EX,BID,BIDSIZ,OFR,OFRSIZ,SYMBOL\n1514903400.115,N,158.39,1,158.5,18,XXX\n",
        [("XXX", 1514903400115 * MS, NONE, 158.39, 158.5, 100, 1800, QUOTE, 0)],
    ),
    (
        "taq trades", "trades.csv",
        "DT,EX,SYMBOL,COND,SIZE,PRICE,CORR\n1514903400.115,N,XXX,O,50,158.5,0\n1514903400.2,N,XXX,,50,158.5,12\n",
        [("XXX", 1514903400115 * MS, NONE, 158.5, 158.5, 50, 50, TRADE, UNKNOWN),
         ("XXX", 1514903400200 * MS, NONE, NAN, NAN, 50, 50, TRADE, UNKNOWN)],
    ),
    (  # New York without summer time, also in July
        "histdata ticks", "DAT_ASCII_EURUSD_T_202007.csv",
        "20200701 170000065,1.121200,1.121720,0\n",
        [("EURUSD", _ns("2020-07-01 22:00:00.065"), NONE, 1.1212, 1.12172, NAN, NAN, QUOTE, 0)],
    ),
    (
        "truefx ticks", "EURUSD-2020-01.csv",
        "EUR/USD,20200101 22:01:25.123,1.12,1.121\n",
        [("EUR/USD", _ns("2020-01-01 22:01:25.123"), NONE, 1.12, 1.121, NAN, NAN, QUOTE, 0)],
    ),
    (  # volumes in millions
        "dukascopy ticks", "eurusd-tick-2023-02-20.csv",
        "timestamp,askPrice,bidPrice,askVolume,bidVolume\n1676894400084,1.07,1.06,1.5,0.75\n",
        [("EURUSD", 1676894400084 * MS, NONE, 1.06, 1.07, 750_000, 1_500_000, QUOTE, 0)],
    ),
    (
        "dukascopy JSON ticks", "btcusd-tick-2023-02-20.json",
        '[{"timestamp": 1676894400084, "askPrice": 24921.5, "bidPrice": 24849.4}]\n',
        [("BTCUSD", 1676894400084 * MS, NONE, 24849.4, 24921.5, NAN, NAN, QUOTE, 0)],
    ),
    (  # Moscow was at UTC+4 until October 2014, at +3 from then on
        "finam ticks", "SPFB.Si_140701_160104.txt",
        "<TICKER>,<PER>,<DATE>,<TIME>,<LAST>,<VOL>\nSPFB.Si,0,20140701,100000,33000.0,2\nSPFB.Si,0,20160104,100000,74851.0,1\n",
        [("SPFB.Si", _ns("2014-07-01 06:00"), NONE, 33000, 33000, 2, 2, TRADE, UNKNOWN),
         ("SPFB.Si", _ns("2016-01-04 07:00"), NONE, 74851, 74851, 1, 1, TRADE, UNKNOWN)],
    ),
    (  # the aggressor; ms without a point, a name that is no instrument's
        "moex deals", "20241001_fut_deal.csv",
        "#SYMBOL,SYSTEM,MOMENT,ID_DEAL,PRICE_DEAL,VOLUME,OPEN_POS,DIRECTION\n"
        "CNYRUBF,F,20240930190505117,2024117270837460993,13.22400,5,8128542,B\n"
        "SiZ4,F,20240930190505118,2024117270837460994,95000.00000,1,1,S\n",
        [("CNYRUBF", _ns("2024-09-30 16:05:05.117"), 2024117270837460993, 13.224, 13.224, 5, 5, TRADE, BUY),
         ("SiZ4", _ns("2024-09-30 16:05:05.118"), 2024117270837460994, 95000, 95000, 1, 1, TRADE, SELL)],
    ),
    (  # the deal of 10:00:00.002 leaves two of the bid; the aggressor is never seen in the book
        "moex order log", "20241001_fut_ord.csv",
        "#SYMBOL,SYSTEM,TYPE,MOMENT,ID,ACTION,PRICE,VOLUME,ID_DEAL,PRICE_DEAL\n"
        "SiZ4,F,B,20241001100000001,1,1,95000.00000,5,,\nSiZ4,F,S,20241001100000001,2,1,95001.00000,4,,\n"
        "SiZ4,F,S,20241001100000002,3,1,95000.00000,3,,\nSiZ4,F,S,20241001100000002,3,2,95000.00000,3,9,95000.00000\n"
        "SiZ4,F,B,20241001100000002,1,2,95000.00000,3,9,95000.00000\n",
        [("SiZ4", _ns("2024-10-01 07:00:00.001"), NONE, 95000, 95001, 5, 4, QUOTE, 0),
         ("SiZ4", _ns("2024-10-01 07:00:00.002"), NONE, 95000, 95001, 2, 4, QUOTE, 0)],
    ),
    (
        "lean ticks", "20180405_btcusd_tick_quote.csv",
        "3723004.5,6800.1,0.25,6800.2,1.5\n3723005,6800.1,0.25,,\n86400000,1,1,2,1\n",
        [("BTCUSD", _ns("2018-04-05 01:02:03.0045"), NONE, 6800.1, 6800.2, 0.25, 1.5, QUOTE, 0),
         ("BTCUSD", _ns("2018-04-05 01:02:03.005"), NONE, 6800.1, NAN, 0.25, NAN, QUOTE, 0),
         ("BTCUSD", raw.TIME_UNKNOWN, NONE, 1, 2, 1, 1, QUOTE, 0)],
    ),
    (
        "lean ticks", "20180405_btcusd_tick_trade.csv", "3723004,6800.1,0.25\n",
        [("BTCUSD", _ns("2018-04-05 01:02:03.004"), NONE, 6800.1, 6800.1, 0.25, 0.25, TRADE, UNKNOWN)],
    ),
    (
        "chinese-level2 snapshots", "510300_snapshot.csv",
        "Datetime,Lastprice,Bid[0],BidQty[0],Ask[0],AskQty[0]\n"
        "2020-10-19 09:30:00.160,4.88,4.879,2810800.0,4.88,87300.0\n"
        "2020-10-19 09:30:03,4.88,4.879,100.0,0,0\n",
        [("510300", _ns("2020-10-19 01:30:00.160"), NONE, 4.879, 4.88, 2810800, 87300, QUOTE, 0),
         ("510300", _ns("2020-10-19 01:30:03"), NONE, 4.879, NAN, 100, NAN, QUOTE, 0)],
    ),
    (
        "chinese-level2 ticks", "510300_tick_trade.csv",
        "Datetime,Price,Volume\n2020-10-19 09:30:00.160,4.88,600\n",
        [("510300", _ns("2020-10-19 01:30:00.160"), NONE, 4.88, 4.88, 600, 600, TRADE, UNKNOWN)],
    ),
    (  # no date: day -1 is 31 December 1999, a timestamp a millisecond
        "imc-prosperity prices", "prices_round_1_day_-1.csv",
        "day;timestamp;product;bid_price_1;bid_volume_1;bid_price_2;bid_volume_2;ask_price_1;ask_volume_1\n"
        "-1;100;KELP;2028;30;;;2032;31\n",
        [("KELP", _ns("1999-12-31 00:00:00.100"), NONE, 2028, 2032, 30, 31, QUOTE, 0)],
    ),
    (
        "imc-prosperity trades", "trades_round_1_day_-1.csv",
        "timestamp;buyer;seller;symbol;currency;price;quantity\n200;;;KELP;SEASHELLS;2029.0;6\n",
        [("KELP", _ns("1999-12-31 00:00:00.200"), NONE, 2029, 2029, 6, 6, TRADE, UNKNOWN)],
    ),
]  # fmt: skip
