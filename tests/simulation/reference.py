"""Slow reference of the fill rules, written from the design's section 5; shares no code with the kernel.

Prices are Fractions of a tick taken from the decimal text of each float, so every comparison is exact.
"""

import math
from fractions import Fraction


def exact(x):
    return Fraction(str(float(x)))


def replay(
    quotes,
    trades,
    schedule,
    tick_size,
    lot_size,
    touch="never",
    latency_ns=0,
    maker_fee_bps=0.0,
    inventory_limit=None,
):
    """Fills as a list of (ts_ns, side, px, qty, fee, rule, event)."""
    tick, lot = exact(tick_size), exact(lot_size)
    events = [
        (int(row.ts), 0, k, "trade", exact(row.price) / tick, int(row.side))
        for k, row in enumerate(trades.itertuples())
    ]
    events += [
        (int(row.ts), 1, k, "quote", exact(row.bid) / tick, exact(row.ask) / tick)
        for k, row in enumerate(quotes.itertuples())
    ]
    events.sort(key=lambda event: event[:3])
    pending = [
        (
            int(row["ts_ns"]) + latency_ns,
            None
            if math.isnan(row["bid_px"])
            else (math.floor(exact(row["bid_px"]) / tick), math.floor(exact(row["bid_qty"]) / lot)),
            None
            if math.isnan(row["ask_px"])
            else (math.ceil(exact(row["ask_px"]) / tick), math.floor(exact(row["ask_qty"]) / lot)),
        )
        for row in schedule
    ]
    limit = None if inventory_limit is None else math.floor(exact(inventory_limit) / lot)
    fills, market, bid, ask, held = [], None, None, None, 0

    def fill(event, ts, side, order, rule):
        nonlocal held
        px, qty = float(order[0] * tick), float(order[1] * lot)
        fee = float(exact(maker_fee_bps) / 10000 * order[0] * tick * order[1] * lot)
        held += side * order[1]
        fills.append((ts, side, px, qty, fee, rule, event))

    for number, (ts, _, _, kind, first, second) in enumerate(events):
        while pending and ts > pending[0][0]:
            _, bid, ask = pending.pop(0)
            if market is not None:
                best_bid, best_ask = market
                if bid is not None and bid[0] >= best_ask:
                    bid = (best_ask - 1, bid[1])
                if ask is not None and ask[0] <= best_bid:
                    ask = (best_bid + 1, ask[1])
            if limit is not None:
                if bid is not None and held + bid[1] > limit:
                    bid = None
                if ask is not None and held - ask[1] < -limit:
                    ask = None
        if kind == "quote":
            if ask is not None and first >= ask[0]:
                fill(number, ts, -1, ask, "MARKET")
                ask = None
            if bid is not None and second <= bid[0]:
                fill(number, ts, 1, bid, "MARKET")
                bid = None
            market = (int(first), int(second))
        elif market is not None:
            px, aggressor = first, second
            if ask is not None and px > ask[0]:
                fill(number, ts, -1, ask, "TRADE")
                ask = None
            elif ask is not None and px == ask[0] and touch == "always" and aggressor in (1, 0):
                fill(number, ts, -1, ask, "TOUCH")
                ask = None
            if bid is not None and px < bid[0]:
                fill(number, ts, 1, bid, "TRADE")
                bid = None
            elif bid is not None and px == bid[0] and touch == "always" and aggressor in (-1, 0):
                fill(number, ts, 1, bid, "TOUCH")
                bid = None
    return fills
