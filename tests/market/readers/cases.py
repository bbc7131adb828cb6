"""A small file of every layout, built from its documented facts with the traps it is known for, and what it says."""

from tests.market.readers import book_cases, vendor_cases
from tfmm.market import raw, schema

QUOTE, TRADE, BUY, SELL, UNKNOWN = schema.QUOTE, schema.TRADE, schema.BUY, schema.SELL, schema.UNKNOWN
MS, US = 10**6, 10**3
NAN = float("nan")
NONE = raw.NO_SEQUENCE
BOOK_HEADER = "update_id,best_bid_price,best_bid_qty,best_ask_price,best_ask_qty,transaction_time,event_time\n"
TICKS = "ts_recv,ts_event,rtype,publisher_id,instrument_id,action,side,depth,price,size,flags,ts_in_delta,sequence,"
TICKS += "bid_px_00,ask_px_00,bid_sz_00,ask_sz_00,bid_ct_00,ask_ct_00"
UNDEFINED = 2**63 - 1
LEVELS = ",".join(["{0}"] * 9)

# layout, file name, text, rows: (symbol, ns, sequence, lo, hi, lo_size, hi_size, kind, side)
CASES = [
    (
        "tfmm quotes", "tob_X-1_20200101.csv",
        "ts,bid,bid_size,ask,ask_size\n1577836800000000001,1.5,2,1.6,3\n1577836800000000002,,,1.6,3\n",
        [("X-1", 1577836800000000001, NONE, 1.5, 1.6, 2, 3, QUOTE, 0),
         ("X-1", 1577836800000000002, NONE, NAN, 1.6, NAN, 3, QUOTE, 0)],
    ),
    (
        "tfmm trades", "trade_X_day1.csv",
        "ts,price,size,side\n1577836800000000001,1.5,2,-1\n1577836800000000002,1.6,2,0\n1577836800000000003,1,2,5\n",
        [("X", 1577836800000000001, NONE, 1.5, 1.5, 2, 2, TRADE, SELL),
         ("X", 1577836800000000002, NONE, 1.6, 1.6, 2, 2, TRADE, UNKNOWN),
         ("X", 1577836800000000003, NONE, 1, 1, 2, 2, TRADE, raw.WRONG_SIDE)],
    ),
    (  # no header; milliseconds until 2024
        "binance spot trades", "BTCUSDT-trades-2024-12-31.csv",
        "7,93000.10,0.5,46500.05,1735600000123,True,True\n8,93000.20,0.25,23250.05,1735600000124,False,True\n",
        [("BTCUSDT", 1735600000123 * MS, 7, 93000.1, 93000.1, 0.5, 0.5, TRADE, SELL),
         ("BTCUSDT", 1735600000124 * MS, 8, 93000.2, 93000.2, 0.25, 0.25, TRADE, BUY)],
    ),
    (  # microseconds from 2025
        "binance spot trades", "BTCUSDT-trades-2025-01-01.csv",
        "9,93000.10,0.5,46500.05,1735689600123456,False,True\n",
        [("BTCUSDT", 1735689600123456 * US, 9, 93000.1, 93000.1, 0.5, 0.5, TRADE, BUY)],
    ),
    (
        "binance spot aggTrades", "ETHBTC-aggTrades-2024-01.csv",
        "5,0.053,1.5,10,12,1704067200000,True,True\n",
        [("ETHBTC", 1704067200000 * MS, 5, 0.053, 0.053, 1.5, 1.5, TRADE, SELL)],
    ),
    (  # "false" is truthy as text
        "binance USD-M trades", "BTCUSDT-trades-2024-08-08.csv",
        "id,price,qty,quote_qty,time,is_buyer_maker\n11,60000.1,0.010,600.001,1723075200001,false\n"
        "12,60000.0,0.020,1200,1723075200001,true\n",
        [("BTCUSDT", 1723075200001 * MS, 11, 60000.1, 60000.1, 0.01, 0.01, TRADE, BUY),
         ("BTCUSDT", 1723075200001 * MS, 12, 60000.0, 60000.0, 0.02, 0.02, TRADE, SELL)],
    ),
    (  # before 2022-08-11: no header
        "binance USD-M trades", "BTCUSDT-trades-2021-01-01.csv",
        "11,60000.1,0.010,600.001,1609459200001,false\n",
        [("BTCUSDT", 1609459200001 * MS, 11, 60000.1, 60000.1, 0.01, 0.01, TRADE, BUY)],
    ),
    (
        "binance COIN-M trades", "BTCUSD_PERP-trades-2024-08-08.csv",
        "id,price,qty,base_qty,time,is_buyer_maker\n21,50000,5,0.01,1723075200001,true\n",
        [("BTCUSD_PERP", 1723075200001 * MS, 21, 50000, 50000, 5, 5, TRADE, SELL)],
    ),
    (
        "binance futures aggTrades", "BTCUSDT-aggTrades-2024-08-08.csv",
        "agg_trade_id,price,quantity,first_trade_id,last_trade_id,transact_time,is_buyer_maker\n"
        "3,60000.1,0.010,5,6,1723075200001,false\n",
        [("BTCUSDT", 1723075200001 * MS, 3, 60000.1, 60000.1, 0.01, 0.01, TRADE, BUY)],
    ),
    (
        "binance futures aggTrades", "BTCUSDT-aggTrades-2021-01-01.csv", "3,60000.1,0.010,5,6,1609459200001,false\n",
        [("BTCUSDT", 1609459200001 * MS, 3, 60000.1, 60000.1, 0.01, 0.01, TRADE, BUY)],
    ),
    (
        "binance bookTicker", "BTCUSDT-bookTicker-2024-01-01.csv",
        BOOK_HEADER + "99,42000.1,1.5,42000.2,2.5,1704067200001,1704067200004\n",
        [("BTCUSDT", 1704067200001 * MS, 99, 42000.1, 42000.2, 1.5, 2.5, QUOTE, 0)],
    ),
    (  # depth lines and a liquidation print (X is not MARKET) are no events
        "binance_stream recorder", "btcusdt_20240808.txt",
        '1723161255088169167 {"stream":"btcusdt@bookTicker","data":{"e":"bookTicker","u":5,"s":"BTCUSDT",'
        '"b":"61800.20","B":"2.507","a":"61800.30","A":"2.510","T":1723161256313,"E":1723161256314}}\n'
        '1723161255088169168 {"stream":"x","data":{"e":"depthUpdate","s":"BTCUSDT","b":[["1","2"]],"a":[]}}\n'
        '1723161255088169169 {"stream":"x","data":{"e":"trade","T":1723161256322,"s":"BTCUSDT","t":7,"p":"61800.30",'
        '"q":"0.006","X":"MARKET","m":false}}\n'
        '1723161255088169170 {"stream":"x","data":{"e":"trade","T":1723161256323,"s":"BTCUSDT","t":8,"p":"0",'
        '"q":"0.006","X":"INSURANCE_FUND","m":true}}\n',
        [("BTCUSDT", 1723161256313 * MS, 5, 61800.2, 61800.3, 2.507, 2.51, QUOTE, 0),
         ("BTCUSDT", 1723161256322 * MS, 7, 61800.3, 61800.3, 0.006, 0.006, TRADE, BUY)],
    ),
    (  # the same without the time of receipt, the first line cut off; aggTrade where no trade is recorded
        "binance_stream recorder", "btcusdt.jsonl",
        '{"e":"bookTicker","u":5,"s":"BTCUSDT","b":"61800.20","B":"2.507","a":"61800.30","A":"2.510",'
        '"T":1723161256313,"E":1723161256314}\n'
        '{"stream":"x","data":{"e":"aggTrade","E":1723161256323,"s":"BTCUSDT","a":9,"p":"61800.20","q":"0.006",'
        '"f":10,"l":11,"T":1723161256322,"m":true}}\n',
        [("BTCUSDT", 1723161256313 * MS, 5, 61800.2, 61800.3, 2.507, 2.51, QUOTE, 0),
         ("BTCUSDT", 1723161256322 * MS, 9, 61800.2, 61800.2, 0.006, 0.006, TRADE, SELL)],
    ),
    (  # spot's quotes have no exchange time: all rows have that of receipt
        "binance_stream spot recorder", "btcusdt_20240808.gz.txt",
        '1723161255088169 {"stream":"btcusdt@bookTicker","data":{"u":400900217,"s":"BTCUSDT","b":"61800.20",'
        '"B":"2.507","a":"61800.30","A":"2.510"}}\n'
        '1723161255099 {"stream":"btcusdt@trade","data":{"e":"trade","E":1723161255091,"s":"BTCUSDT","t":7,'
        '"p":"61800.30","q":"0.006","T":1723161255090,"m":false,"M":true}}\n',
        [("BTCUSDT", 1723161255088169 * US, 400900217, 61800.2, 61800.3, 2.507, 2.51, QUOTE, 0),
         ("BTCUSDT", 1723161255099 * MS, 7, 61800.3, 61800.3, 0.006, 0.006, TRADE, BUY)],
    ),
    (  # a new subscription repeats the last trades (tid 900), whose numbers are those of their first time
        "hyperliquid recorder", "btc.gz.jsonl",
        '1737918844167767000 {"channel":"subscriptionResponse","data":{"method":"subscribe"}}\n'
        '1737918844167767000 {"channel":"trades","data":[{"coin":"BTC","px":"105056.0","side":"B","sz":"0.5",'
        '"time":1737918794873,"tid":900},{"coin":"BTC","px":"105055.0","side":"A","sz":"0.25","time":1737918794873,'
        '"tid":7}]}\n'
        '1737918844167767000 {"channel":"trades","data":[{"coin":"BTC","px":"105056.0","side":"B","sz":"0.5",'
        '"time":1737918794873,"tid":900}]}\n'
        '1737918844167767000 {"channel":"l2Book","data":{"coin":"BTC","levels":[[{"n":5,"px":"105055.0","sz":"3"},'
        '{"n":1,"px":"105054.0","sz":"1"}],[]],"time":1737918844008}}\n'
        '{"channel":"bbo","data":{"coin":"BTC","time":1737918844009,"bbo":[{"px":"105055","sz":"3","n":1},'
        '{"px":"105057","sz":"2","n":1}]}}\n',
        [("BTC", 1737918794873 * MS, 1, 105056, 105056, 0.5, 0.5, TRADE, BUY),
         ("BTC", 1737918794873 * MS, 2, 105055, 105055, 0.25, 0.25, TRADE, SELL),
         ("BTC", 1737918794873 * MS, 1, 105056, 105056, 0.5, 0.5, TRADE, BUY),
         ("BTC", 1737918844008 * MS, NONE, 105055, NAN, 3, NAN, QUOTE, 0),
         ("BTC", 1737918844009 * MS, NONE, 105055, 105057, 3, 2, QUOTE, 0)],
    ),
    (  # ask columns first; an empty side is missing
        "tardis quotes", "deribit_quotes_2020-01-01_BTC-PERPETUAL.csv",
        "exchange,symbol,timestamp,local_timestamp,ask_amount,ask_price,bid_price,bid_amount\n"
        "deribit,BTC-PERPETUAL,1577836800000001,1577836800000009,5,7001,7000,6\n"
        "deribit,BTC-PERPETUAL,1577836800000002,1577836800000009,,,7000,6\n",
        [("BTC-PERPETUAL", 1577836800000001 * US, NONE, 7000, 7001, 6, 5, QUOTE, 0),
         ("BTC-PERPETUAL", 1577836800000002 * US, NONE, 7000, NAN, 6, NAN, QUOTE, 0)],
    ),
    (
        "tardis trades", "deribit_trades_2020-01-01_BTC-PERPETUAL.csv",
        "exchange,symbol,timestamp,local_timestamp,id,side,price,amount\n"
        "deribit,BTC-PERPETUAL,1577836800000001,1577836800000009,A7,sell,7000.5,30\n"
        "deribit,BTC-PERPETUAL,1577836800000002,1577836800000009,8,unknown,7001,30\n",
        [("BTC-PERPETUAL", 1577836800000001 * US, NONE, 7000.5, 7000.5, 30, 30, TRADE, SELL),
         ("BTC-PERPETUAL", 1577836800000002 * US, 8, 7001, 7001, 30, 30, TRADE, UNKNOWN)],
    ),
    (
        "tardis book_snapshot", "x_book_snapshot_5_2020-01-01_BTCUSDT.csv",
        "exchange,symbol,timestamp,local_timestamp,asks[0].price,asks[0].amount,bids[0].price,bids[0].amount,"
        "asks[1].price,asks[1].amount,bids[1].price,bids[1].amount\n"
        "x,BTCUSDT,1577836800000001,1577836800000009,7001,5,7000,6,7002,1,6999,1\n",
        [("BTCUSDT", 1577836800000001 * US, NONE, 7000, 7001, 6, 5, QUOTE, 0)],
    ),
    (  # whole numbers of 1e-9; undefined prices; a trade's quote is the one before it
        "databento mbp-1", "xnas.mbp-1.csv",
        TICKS + ",symbol\n"
        "1577836800000000009,1577836800000000001,1,2,44,A,B,0,100000000000,5,0,0,70,100000000000,101000000000,5,6,1,1,AAPL\n"
        "1577836800000000009,1577836800000000002,1,2,44,T,A,0,100000000000,3,0,0,71,100000000000,101000000000,5,6,1,1,AAPL\n"
        f"1577836800000000009,1577836800000000003,1,2,44,C,B,0,100000000000,5,0,0,72,{UNDEFINED},101000000000,0,6,0,1,AAPL\n",
        [("AAPL", 1577836800000000001, 70, 100, 101, 5, 6, QUOTE, 0),
         ("AAPL", 1577836800000000002, 71, 100, 101, 5, 6, QUOTE, 0),
         ("AAPL", 1577836800000000002, 71, 100, 100, 3, 3, TRADE, SELL),
         ("AAPL", 1577836800000000003, 72, NAN, 101, 0, 6, QUOTE, 0)],
    ),
    (  # decimal prices, no symbol column
        "databento mbp-1 by id", "xnas.tbbo.csv",
        TICKS + "\n1577836800000000009,1577836800000000002,1,2,44,T,B,0,101.000000000,3,0,0,71,100.5,101.0,5,6,1,1\n",
        [("44", 1577836800000000002, 71, 100.5, 101, 5, 6, QUOTE, 0),
         ("44", 1577836800000000002, 71, 101, 101, 3, 3, TRADE, BUY)],
    ),
    (  # decimal seconds: as a float the last digits would be lost
        "bybit perpetual trades", "BTCUSDT2024-01-01.csv",
        "timestamp,symbol,side,size,price,tickDirection,trdMatchID,grossValue,homeNotional,foreignNotional\n"
        "1704067200.123456789,BTCUSDT,Buy,0.5,42000.5,PlusTick,abc,2e12,0.5,21000.25\n"
        "1704067200.2,BTCUSDT,Sell,0.25,42000,MinusTick,abd,1e12,0.25,10500\n",
        [("BTCUSDT", 1704067200123456789, NONE, 42000.5, 42000.5, 0.5, 0.5, TRADE, BUY),
         ("BTCUSDT", 1704067200200000000, NONE, 42000, 42000, 0.25, 0.25, TRADE, SELL)],
    ),
    (
        "bybit spot trades", "BTCUSDT_2024-01-01.csv",
        "id,timestamp,price,volume,side\n4,1704067200123,42000.5,0.5,buy\n",
        [("BTCUSDT", 1704067200123 * MS, 4, 42000.5, 42000.5, 0.5, 0.5, TRADE, BUY)],
    ),
    (
        "okx trades", "BTC-USDT-SWAP-trades-2024-01-01.csv",
        "instrument_name,trade_id,side,price,size,created_time\nBTC-USDT-SWAP,4,sell,42000.5,3,1704038400000\n",
        [("BTC-USDT-SWAP", 1704038400000 * MS, 4, 42000.5, 42000.5, 3, 3, TRADE, SELL)],
    ),
    (
        "bitmex order books", "orderbooks.csv",
        f'"2020-03-10 18:25:10",984,"XBTUSD    ",7823,{LEVELS.format(9)},70,{LEVELS.format(1)},'
        f"7822.5,{LEVELS.format(2)},80,{LEVELS.format(3)}\n",
        [("XBTUSD", 1583864710984 * MS, NONE, 7822.5, 7823, 80, 70, QUOTE, 0)],
    ),
    (  # NUL padding; `partial` repeats the past
        "bitmex trades", "trades.csv",
        '"XBTUSD\0\0","2020-03-10 18:25:08",955,7823,5000,"partial\0","Buy\0\0"\n'
        '"XBTUSD\0\0","2020-03-10 18:25:12",5,7822.5,20000,"insert\0\0","Sell\0"\n',
        [("XBTUSD", 1583864712005 * MS, NONE, 7822.5, 7822.5, 20000, 20000, TRADE, SELL)],
    ),
    (  # REST: the side is the maker's
        "coinbase messages", "BTC-USD.json",
        '[{"time":"2024-01-01T00:00:00.123456Z","trade_id":5,"price":"42000.5","size":"0.1","side":"sell"}]',
        [("BTC-USD", 1704067200123456 * US, 5, 42000.5, 42000.5, 0.1, 0.1, TRADE, BUY)],
    ),
    (
        "coinbase messages", "feed.jsonl",
        '{"type":"match","trade_id":5,"side":"buy","size":"0.1","price":"42000.5","product_id":"BTC-USD",'
        '"sequence":9,"time":"2024-01-01T00:00:00.1Z"}\n'
        '{"type":"ticker","trade_id":5,"best_bid":"42000","best_bid_size":"1","best_ask":"42001","best_ask_size":"2",'
        '"product_id":"BTC-USD","sequence":10,"time":"2024-01-01T00:00:00.2Z","price":"1","side":"buy"}\n',
        [("BTC-USD", 1704067200200 * MS, 10, 42000, 42001, 1, 2, QUOTE, 0),
         ("BTC-USD", 1704067200100 * MS, 5, 42000.5, 42000.5, 0.1, 0.1, TRADE, SELL)],
    ),
    *book_cases.CASES,
    *vendor_cases.CASES,
]  # fmt: skip
