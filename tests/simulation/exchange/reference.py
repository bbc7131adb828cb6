"""Slow reference of the fill rules, written from the design's section 5; shares no code with the kernel.

Prices are Fractions of a tick taken from the decimal text of each float, so every comparison is exact.
"""

import functools
import math
from fractions import Fraction


@functools.cache  # prices and sizes come again and again
def exact(x):
    return Fraction(str(float(x)))


@functools.cache
def multiple(x, unit):
    return exact(x) / exact(unit)


class Side:
    """A resting order on one side: sign -1 our ask, +1 our bid. Queue sizes are plain floats, as displayed."""

    def __init__(self, sign):
        self.sign = sign
        self.px = None
        self.lots = 0
        self.ahead = self.seen = self.traded = 0.0

    def clear(self):
        self.__init__(self.sign)


def replay(
    quotes,
    trades,
    schedule,
    tick_size,
    lot_size,
    touch="never",
    marketable="clamp",
    partial=False,
    latency_ns=0,
    maker_fee_bps=0.0,
    taker_fee_bps=0.0,
    inventory_limit=None,
    cash_limit=None,
    gap_ns=None,
):
    """Fills as a list of (ts_ns, side, px, qty, fee, rule, event)."""
    tick, lot = exact(tick_size), exact(lot_size)
    events = [
        (int(row.ts), 0, k, "trade", multiple(row.price, tick_size), int(row.side), float(row.size))
        for k, row in enumerate(trades.itertuples())
    ]
    events += [
        (
            int(row.ts),
            1,
            k,
            "quote",
            multiple(row.bid, tick_size),
            multiple(row.ask, tick_size),
            float(row.bid_size),
            float(row.ask_size),
        )
        for k, row in enumerate(quotes.itertuples())
    ]
    events.sort(key=lambda event: event[:3])
    pending = []
    for row in schedule:
        sides = []
        for name, rounding in (("bid", math.floor), ("ask", math.ceil)):
            px, qty = row[f"{name}_px"], row[f"{name}_qty"]
            known = not math.isnan(px)
            sides.append(
                (rounding(multiple(px, tick_size)), math.floor(multiple(qty, lot_size))) if known else (None, 0)
            )
        pending.append((int(row["ts_ns"]) + latency_ns, *sides))
    limit = None if inventory_limit is None else math.floor(multiple(inventory_limit, lot_size))
    bid, ask = Side(1), Side(-1)
    state = {"held": 0, "cash": Fraction(0), "fees": Fraction(0), "market": None, "last": None}
    fills = []

    def available(lots, size):
        return lots if not partial else min(lots, math.floor(size / float(lot) + 1e-9))

    def fill(event, ts, side, px, lots, rule):
        if lots <= 0:
            return
        bps = taker_fee_bps if rule == "TAKER" else maker_fee_bps
        money = px * tick * lots * lot
        fee = exact(bps) / 10000 * money
        state["held"] += side.sign * lots
        state["cash"] -= side.sign * money
        state["fees"] += fee
        side.lots -= lots
        fills.append((ts, side.sign, float(px * tick), float(lots * lot), float(fee), rule, event))
        if side.lots == 0:
            side.px = None

    def place(side, px, lots):
        """An unchanged or smaller order at the same price keeps its place."""
        if lots > 0 and side.px == px and lots <= side.lots:
            side.lots = lots
            return
        side.clear()
        if lots == 0:
            return
        side.px, side.lots = px, lots
        if state["market"] is None:
            side.ahead = math.inf
            return
        best_bid, best_ask, bid_size, ask_size = state["market"]
        best, size = (best_bid, bid_size) if side.sign > 0 else (best_ask, ask_size)
        if px == best:
            side.ahead = side.seen = size
        elif side.sign * (px - best) < 0:
            side.ahead = math.inf

    def activate(active, wanted_bid, wanted_ask, event):
        if gap_ns is not None and (state["last"] is None or active - state["last"] > gap_ns):
            bid.clear()
            ask.clear()
            state["market"] = None
        (bid_px, bid_lots), (ask_px, ask_lots) = wanted_bid, wanted_ask
        if bid_lots and limit is not None and state["held"] + bid_lots > limit:
            bid_lots = 0
        if bid_lots and cash_limit is not None:
            left = state["cash"] - state["fees"] - bid_px * tick * bid_lots * lot
            if left < -exact(cash_limit):
                bid_lots = 0
        if ask_lots and limit is not None and state["held"] - ask_lots < -limit:
            ask_lots = 0
        taking = []
        if state["market"] is not None:
            best_bid, best_ask, bid_size, ask_size = state["market"]
            if ask_lots and ask_px <= best_bid:
                if marketable == "clamp":
                    ask_px = best_bid + 1
                elif marketable == "reject":
                    ask_lots = 0
                else:
                    taking.append((ask, best_bid, bid_size))
            if bid_lots and bid_px >= best_ask:
                if marketable == "clamp":
                    bid_px = best_ask - 1
                elif marketable == "reject":
                    bid_lots = 0
                else:
                    taking.append((bid, best_ask, ask_size))
        place(bid, bid_px, bid_lots)
        place(ask, ask_px, ask_lots)
        for side, px, size in taking:
            fill(event - 1, active, side, px, available(side.lots, size), "TAKER")

    for number, (ts, _, _, kind, *values) in enumerate(events):
        while pending and ts > pending[0][0]:
            activate(*pending.pop(0), number)
        if gap_ns is not None and state["last"] is not None and ts - state["last"] > gap_ns:
            bid.clear()
            ask.clear()
            state["market"] = None
        state["last"] = ts
        if kind == "quote":
            best_bid, best_ask, bid_size, ask_size = int(values[0]), int(values[1]), values[2], values[3]
            for side, far, far_size in ((ask, best_bid, bid_size), (bid, best_ask, ask_size)):
                if side.px is not None and side.sign * (side.px - far) >= 0:
                    fill(number, ts, side, side.px, available(side.lots, far_size), "MARKET")
            for side, best, size in ((bid, best_bid, bid_size), (ask, best_ask, ask_size)):
                if side.px is None:
                    continue
                if side.px == best:
                    left = side.seen - side.traded
                    if size < left:
                        side.ahead = side.ahead * size / left
                    side.ahead = min(side.ahead, size)
                    side.seen, side.traded = size, 0.0
                elif side.sign * (side.px - best) > 0:
                    side.ahead = side.seen = side.traded = 0.0
            state["market"] = (best_bid, best_ask, bid_size, ask_size)
        elif state["market"] is not None:
            px, aggressor, size = values
            for side in (ask, bid):
                if side.px is None:
                    continue
                through = side.sign * (side.px - px)
                if through > 0:
                    fill(number, ts, side, side.px, available(side.lots, size), "TRADE")
                elif through == 0 and aggressor != side.sign:
                    if touch == "always":
                        fill(number, ts, side, side.px, available(side.lots, size), "TOUCH")
                    elif touch == "queue":
                        left = size - side.ahead
                        side.ahead = max(0.0, -left)
                        side.traded += size
                        if left > 0:
                            fill(number, ts, side, side.px, available(side.lots, left), "QUEUE")
    while pending and events and pending[0][0] <= events[-1][0]:
        activate(*pending.pop(0), len(events))
    return fills
