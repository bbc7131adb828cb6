"""Small files of the layouts whose quotes are built from changes of the order book, and of Databento's CSV."""

from tfmm.market import raw, schema

QUOTE, TRADE, BUY, SELL = schema.QUOTE, schema.TRADE, schema.BUY, schema.SELL
MS, US = 10**6, 10**3
NAN = float("nan")
NONE = raw.NO_SEQUENCE
UNDEFINED = 2**63 - 1
TICKS = "ts_recv,ts_event,rtype,publisher_id,instrument_id,action,side,depth,price,size,flags,ts_in_delta,sequence"
TOP = "bid_px_00,ask_px_00,bid_sz_00,ask_sz_00,bid_ct_00,ask_ct_00"
TARDIS = "exchange,symbol,timestamp,local_timestamp,is_snapshot,side,price,amount\n"

# layout, file name, text, rows: (symbol, ns, sequence, lo, hi, lo_size, hi_size, kind, side)
CASES = [
    (  # the snapshot was received at the time of the next change; amount 0 deletes; two changes of one time give one
        # row; a snapshot starts the book anew
        "tardis incremental_book_L2", "x_incremental_book_L2_2020-01-01_BTCUSDT.csv",
        TARDIS + "x,BTCUSDT,1577836800000001,1577836800000009,true,bid,7000,1\n"
        "x,BTCUSDT,1577836800000001,1577836800000009,true,bid,6999,2\n"
        "x,BTCUSDT,1577836800000001,1577836800000009,true,ask,7001,3\n"
        "x,BTCUSDT,1577836800000009,1577836800000011,false,bid,7000.0,0\n"
        "x,BTCUSDT,1577836800000009,1577836800000011,false,ask,7000.5,4\n"
        "x,BTCUSDT,1577836800000012,1577836800000013,false,bid,6990,5\n"
        "x,BTCUSDT,1577836800000020,1577836800000021,true,bid,6998,6\n"
        "x,BTCUSDT,1577836800000020,1577836800000021,true,ask,7002,7\n",
        [("BTCUSDT", 1577836800000001 * US, NONE, 7000, 7001, 1, 3, QUOTE, 0),
         ("BTCUSDT", 1577836800000009 * US, NONE, 6999, 7000.5, 2, 4, QUOTE, 0),
         ("BTCUSDT", 1577836800000020 * US, NONE, 6998, 7002, 6, 7, QUOTE, 0)],
    ),
    (  # cts is the time of the matching engine; u 14 is missing: unknown until the snapshot
        "bybit order book", "2024-12-01_XRPUSDT_ob500.data",
        '{"topic":"orderbook.500.XRPUSDT","type":"snapshot","ts":1733011200691,"data":{"s":"XRPUSDT",'
        '"b":[["1.9531","6203"],["1.9530","2409"]],"a":[["1.9532","10480"]],"u":11,"seq":9},"cts":1733011200589}\n'
        '{"topic":"orderbook.500.XRPUSDT","type":"delta","ts":1733011200693,"data":{"s":"XRPUSDT",'
        '"b":[["1.9531","0"]],"a":[],"u":12,"seq":19},"cts":1733011200690}\n'
        '{"topic":"orderbook.500.XRPUSDT","type":"delta","ts":1733011200793,"data":{"s":"XRPUSDT",'
        '"b":[],"a":[["1.9600","5"]],"u":13,"seq":29},"cts":1733011200790}\n'
        '{"topic":"orderbook.500.XRPUSDT","type":"delta","ts":1733011200893,"data":{"s":"XRPUSDT",'
        '"b":[["1.9529","7"]],"a":[],"u":15,"seq":39},"cts":1733011200890}\n'
        '{"topic":"orderbook.500.XRPUSDT","type":"snapshot","ts":1733011200993,"data":{"s":"XRPUSDT",'
        '"b":[["1.9530","1"]],"a":[["1.9532","2"]],"u":1,"seq":49}}\n',
        [("XRPUSDT", 1733011200589 * MS, 11, 1.9531, 1.9532, 6203, 10480, QUOTE, 0),
         ("XRPUSDT", 1733011200690 * MS, 12, 1.953, 1.9532, 2409, 10480, QUOTE, 0),
         ("XRPUSDT", 1733011200890 * MS, 15, NAN, NAN, NAN, NAN, QUOTE, 0),
         ("XRPUSDT", 1733011200993 * MS, 1, 1.953, 1.9532, 1, 2, QUOTE, 0)],
    ),
    (  # [price, size, orders]
        "okx order book", "BTC-USDT-SWAP-L2orderbook-400lv-2025-11-08.data",
        '{"instId":"BTC-USDT-SWAP","action":"snapshot","ts":"1762531200001","asks":[["101.5","7","2"]],'
        '"bids":[["101.1","3.5","1"],["101","2","1"]]}\n'
        '{"instId":"BTC-USDT-SWAP","action":"update","ts":"1762531200011","asks":[],"bids":[["101.1","0","0"]]}\n',
        [("BTC-USDT-SWAP", 1762531200001 * MS, NONE, 101.1, 101.5, 3.5, 7, QUOTE, 0),
         ("BTC-USDT-SWAP", 1762531200011 * MS, NONE, 101, 101.5, 2, 7, QUOTE, 0)],
    ),
    (  # recorded: prevSeqId 8 is not the last seqId 6
        "okx order book", "okx.jsonl",
        '{"event":"subscribe","arg":{"channel":"books","instId":"BTC-USDT"}}\n'
        '{"arg":{"channel":"books","instId":"BTC-USDT"},"action":"snapshot","data":[{"asks":[["101.5","7","0","2"]],'
        '"bids":[["101","2","0","1"]],"ts":"1762531200001","checksum":1,"prevSeqId":-1,"seqId":5}]}\n'
        '{"arg":{"channel":"books","instId":"BTC-USDT"},"action":"update","data":[{"asks":[["101.4","1","0","1"]],'
        '"bids":[],"ts":"1762531200011","checksum":1,"prevSeqId":5,"seqId":6}]}\n'
        '{"arg":{"channel":"books","instId":"BTC-USDT"},"action":"update","data":[{"asks":[],"bids":[["101.2","1","0",'
        '"1"]],"ts":"1762531200021","checksum":1,"prevSeqId":8,"seqId":9}]}\n',
        [("BTC-USDT", 1762531200001 * MS, 5, 101, 101.5, 2, 7, QUOTE, 0),
         ("BTC-USDT", 1762531200011 * MS, 6, 101, 101.4, 2, 1, QUOTE, 0),
         ("BTC-USDT", 1762531200021 * MS, 9, NAN, NAN, NAN, NAN, QUOTE, 0)],
    ),
    (  # futures: the snapshot 105 comes after its messages: 101-103 ends before it, 104-108 joins it; pu 108 follows;
        # the second snapshot says nothing that is not known
        "binance_stream depth recorder", "btcusdt.txt",
        '1723161255030314667 {"stream":"btcusdt@depth@0ms","data":{"e":"depthUpdate","E":1723161256299,'
        '"T":1723161256298,"s":"BTCUSDT","U":101,"u":103,"pu":100,"b":[["10.1","1"]],"a":[]}}\n'
        '1723161255030314668 {"stream":"btcusdt@depth@0ms","data":{"e":"depthUpdate","E":1723161256309,'
        '"T":1723161256308,"s":"BTCUSDT","U":104,"u":108,"pu":103,"b":[["10.0","2"]],"a":[["10.3","0.000"]]}}\n'
        '1723161255030314669 {"stream":"btcusdt@trade","data":{"e":"trade","E":1723161256310,"T":1723161256310,'
        '"s":"BTCUSDT","t":7,"p":"10.4","q":"0.5","X":"MARKET","m":false}}\n'
        '1723161255030314670 {"lastUpdateId":105,"E":1723161256305,"T":1723161256304,"bids":[["10.0","4"]],'
        '"asks":[["10.3","5"],["10.4","6"]]}\n'
        '1723161255030314671 {"stream":"btcusdt@depth@0ms","data":{"e":"depthUpdate","E":1723161256319,'
        '"T":1723161256318,"s":"BTCUSDT","U":110,"u":112,"pu":108,"b":[],"a":[["10.4","5.5"]]}}\n'
        '1723161255030314672 {"lastUpdateId":111,"E":1723161256305,"T":1723161256304,"bids":[["9.0","4"]],'
        '"asks":[["10.9","6"]]}\n',
        [("BTCUSDT", 1723161256304 * MS, 105, 10, 10.3, 4, 5, QUOTE, 0),
         ("BTCUSDT", 1723161256308 * MS, 108, 10, 10.4, 2, 6, QUOTE, 0),
         ("BTCUSDT", 1723161256310 * MS, 7, 10.4, 10.4, 0.5, 0.5, TRADE, BUY),
         ("BTCUSDT", 1723161256318 * MS, 112, 10, 10.4, 2, 5.5, QUOTE, 0)],
    ),
    (  # spot: no T, no pu: U follows on u; 113 is missing; the snapshot 115 is joined by what follows it
        "binance_stream spot depth recorder", "spot.jsonl",
        '{"lastUpdateId":105,"bids":[["10.0","4"]],"asks":[["10.3","5"]]}\n'
        '{"e":"depthUpdate","E":1723161256298,"s":"BTCUSDT","U":106,"u":112,"b":[["10.1","1"]],"a":[]}\n'
        '{"e":"depthUpdate","E":1723161256398,"s":"BTCUSDT","U":114,"u":115,"b":[["10.2","1"]],"a":[]}\n'
        '{"e":"depthUpdate","E":1723161256498,"s":"BTCUSDT","U":116,"u":117,"b":[["10.2","2"]],"a":[]}\n'
        '{"lastUpdateId":115,"bids":[["9.9","4"]],"asks":[["10.3","5"]]}\n',
        [("BTCUSDT", 1723161256298 * MS, 112, 10.1, 10.3, 1, 5, QUOTE, 0),
         ("BTCUSDT", 1723161256398 * MS, 115, NAN, NAN, NAN, NAN, QUOTE, 0),
         ("BTCUSDT", 1723161256498 * MS, 117, 10.2, 10.3, 2, 5, QUOTE, 0)],
    ),
    (  # the best 20 levels, whole each time
        "binance_stream depth recorder", "partial.jsonl",
        '{"stream":"btcusdt@depth20@100ms","data":{"e":"depthUpdate","E":1723161256299,"T":1723161256298,"s":"BTCUSDT",'
        '"U":101,"u":103,"pu":100,"b":[["10.1","1"],["10","1"]],"a":[["10.2","3"]]}}\n'
        '{"stream":"btcusdt@depth20@100ms","data":{"e":"depthUpdate","E":1723161256399,"T":1723161256398,"s":"BTCUSDT",'
        '"U":201,"u":203,"pu":200,"b":[["10","1"]],"a":[["10.2","3"]]}}\n',
        [("BTCUSDT", 1723161256298 * MS, 103, 10.1, 10.2, 1, 3, QUOTE, 0),
         ("BTCUSDT", 1723161256398 * MS, 203, 10, 10.2, 1, 3, QUOTE, 0)],
    ),
    (  # of spot, without any time: the time of receipt is that of the trades, too
        "binance_stream spot depth recorder", "partial_spot.txt",
        '1723161255088169167 {"stream":"btcusdt@depth20@100ms","data":{"lastUpdateId":5,"bids":[["10","1"]],'
        '"asks":[["10.2","3"]]}}\n'
        '1723161255088169168 {"stream":"btcusdt@trade","data":{"e":"trade","E":1723161255080,"T":1723161255080,'
        '"s":"BTCUSDT","t":7,"p":"10.2","q":"0.5","m":false}}\n',
        [("BTCUSDT", 1723161255088169168, 7, 10.2, 10.2, 0.5, 0.5, TRADE, BUY),
         ("BTCUSDT", 1723161255088169167, 5, 10, 10.2, 1, 3, QUOTE, 0)],
    ),
    (  # 0.3 as a whole number of 1e-9 is the decimal 0.3; a spread may trade below zero
        "databento trades", "glbx-mdp3-20200101.trades.csv",
        TICKS + ",symbol\n"
        "1577836800000000009,1577836800000000002,0,1,44,T,A,0,300000000,3,0,0,71,ESH0-ESM0\n"
        "1577836800000000009,1577836800000000003,0,1,44,T,B,0,-1500000000,3,0,0,72,ESH0-ESM0\n"
        "1577836800000000009,1577836800000000004,0,1,44,T,N,0,2000000000,3,0,0,73,ESH0-ESM0\n",
        [("ESH0-ESM0", 1577836800000000002, 71, 0.3, 0.3, 3, 3, TRADE, SELL),
         ("ESH0-ESM0", 1577836800000000003, 72, -1.5, -1.5, 3, 3, TRADE, BUY),
         ("ESH0-ESM0", 1577836800000000004, 73, 2, 2, 3, 3, TRADE, 0)],
    ),
    (  # the end of the interval; price and side are of the last trade
        "databento bbo", "glbx-mdp3-20200101.bbo-1s.csv",
        f"ts_recv,ts_event,rtype,publisher_id,instrument_id,side,price,size,flags,sequence,{TOP},symbol\n"
        "2020-01-01T00:00:01.000000000Z,2019-12-31T23:59:00.000000001Z,195,1,44,A,99.5,3,0,71,100.5,101.0,5,6,1,1,X\n"
        "2020-01-01T00:00:02.000000000Z,2019-12-31T23:59:00.000000001Z,195,1,44,A,99.5,3,4,72,100.5,101.0,5,6,1,1,X\n"
        "2020-01-01T00:00:03.000000000Z,,195,1,44,N,,,0,73,100.5,,5,0,1,0,X\n",
        [("X", 1577836801000000000, 71, 100.5, 101, 5, 6, QUOTE, 0),
         ("X", 1577836802000000000, 72, NAN, NAN, NAN, NAN, QUOTE, 0),
         ("X", 1577836803000000000, 73, 100.5, NAN, 5, 0, QUOTE, 0)],
    ),
    (  # more levels than the best
        "databento mbp-1", "glbx-mdp3-20200101.mbp-10.csv",
        f"{TICKS},{TOP},{TOP.replace('00', '01')},symbol\n"
        "1577836800000000009,1577836800000000002,10,1,44,A,A,0,101.0,3,0,0,71,100.5,101.0,5,6,1,1,100.25,101.25,7,8,1,1,X\n",
        [("X", 1577836800000000002, 71, 100.5, 101, 5, 6, QUOTE, 0)],
    ),
    (  # 5 and 2 rest at 100; a trade of 4 and its cancel leave 3
        "databento mbo", "xnas-itch-20200101.mbo.csv",
        "ts_recv,ts_event,rtype,publisher_id,instrument_id,action,side,price,size,channel_id,order_id,flags,"
        "ts_in_delta,sequence,symbol\n"
        f"1577836800000000009,1577836800000000001,160,1,44,R,N,{UNDEFINED},0,0,0,128,0,1,X\n"
        "1577836800000000009,1577836800000000002,160,1,44,A,B,100000000000,5,0,11,0,0,2,X\n"
        "1577836800000000009,1577836800000000002,160,1,44,A,B,100000000000,2,0,12,0,0,3,X\n"
        "1577836800000000009,1577836800000000002,160,1,44,A,A,101000000000,6,0,13,128,0,4,X\n"
        "1577836800000000009,1577836800000000003,160,1,44,T,A,100000000000,4,0,0,0,0,5,X\n"
        "1577836800000000009,1577836800000000003,160,1,44,F,B,100000000000,4,0,11,0,0,6,X\n"
        "1577836800000000009,1577836800000000003,160,1,44,C,B,100000000000,4,0,11,128,0,7,X\n",
        [("X", 1577836800000000003, 5, 100, 100, 4, 4, TRADE, SELL),
         ("X", 1577836800000000002, 4, 100, 101, 7, 6, QUOTE, 0),
         ("X", 1577836800000000003, 7, 100, 101, 3, 6, QUOTE, 0)],
    ),
]  # fmt: skip
