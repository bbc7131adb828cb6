"""Slow reference of the fill rules, written from the README's "Fill rules"; shares no code with the kernel.

Prices are Fractions of a tick and sizes Fractions of a lot, in whole millionths, taken from the decimal text of each
float: every comparison is exact.
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


def millionths(x):
    """A number of lots in whole millionths, rounded down."""
    return Fraction(math.floor(x * 10**6), 10**6)


@functools.cache
def in_lots(size, lot_size):
    return millionths(multiple(size, lot_size) + Fraction(1, 2 * 10**6))


class Side:
    """A resting order on one side: sign -1 our ask, +1 our bid. Queue sizes are lots, as displayed."""

    def __init__(self, sign):
        self.sign = sign
        self.px = None
        self.lots = 0
        self.ahead = self.seen = self.traded = Fraction(0)
        self.owed = self.paid = Fraction(0)

    def clear(self):
        self.__init__(self.sign)


class Taken:
    """What we took from the displayed size of one side of the market, by price: sign +1 its bids, -1 its asks."""

    def __init__(self, sign):
        self.sign = sign
        self.lots = {}

    def show(self, best, size):
        """Better prices are empty now; at the best one no more than it displays can have been ours."""
        self.lots = {px: lots for px, lots in self.lots.items() if self.sign * (px - best) <= 0}
        if best in self.lots:
            self.lots[best] = min(self.lots[best], size)

    def take(self, best, size, most):
        """At most `most` whole lots of a displayed size."""
        lots = min(most, math.floor(size - self.lots.get(best, 0)))
        if lots > 0:
            self.lots[best] = self.lots.get(best, 0) + lots
        if len(self.lots) > 4:
            self.lots.pop(min(self.lots) if self.sign > 0 else max(self.lots))
        return lots


def seen(row, tick_size, lot_size):
    """(bid, ask, bid size, ask size) of a row of quotes, infinite for an empty side; None where it cannot be true."""
    sides = []
    for px, size, nobody in ((row.bid, row.bid_size, -math.inf), (row.ask, row.ask_size, math.inf)):
        if math.isnan(px) and not size > 0:
            sides.append((nobody, Fraction(0)))
        elif px > 0 and size > 0 and multiple(px, tick_size).denominator == 1:
            sides.append((int(multiple(px, tick_size)), in_lots(size, lot_size)))
        else:
            return None
    (bid, bid_size), (ask, ask_size) = sides
    return None if bid > ask or (math.isinf(bid) and math.isinf(ask)) else (bid, ask, bid_size, ask_size)


def without_repeats(events):
    """Drops the quotes that cannot be true and change nothing: there is no market yet, it is unknown already, or a true
    quote of the same time follows."""
    out, known = [], False
    for k, event in enumerate(events):
        if event[3] == "unknown":
            later = [other for other in events[k + 1 :] if other[0] == event[0] and other[3] == "quote"]
            if not known or later:
                continue
            known = False
        known = known or event[3] == "quote"
        out.append(event)
    return out


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
    maker_fee_per_unit=0.0,
    taker_fee_per_unit=0.0,
    minimum_fee=0.0,
    inventory_limit=None,
    cash_limit=None,
    gap_ns=None,
    step=1,
):
    """Fills as a list of (ts_ns, side, px, qty, fee, rule, event). step: price step of the session, ticks."""
    tick, lot = exact(tick_size), exact(lot_size)
    events = [
        (int(row.ts), 0, k, "trade", multiple(row.price, tick_size), int(row.side), in_lots(row.size, lot_size))
        for k, row in enumerate(trades.itertuples())
    ]
    for k, row in enumerate(quotes.itertuples()):
        market = seen(row, tick_size, lot_size)
        events.append((int(row.ts), 1, k, *(("unknown",) if market is None else ("quote", *market))))
    events.sort(key=lambda event: event[:3])
    events = without_repeats(events)
    pending = []
    for row in schedule:
        sides = []
        for name, rounding in (("bid", math.floor), ("ask", math.ceil)):
            px, qty = row[f"{name}_px"], row[f"{name}_qty"]
            known = not math.isnan(px)
            sides.append(
                (rounding(multiple(px, tick_size) / step) * step, math.floor(multiple(qty, lot_size)))
                if known
                else (None, 0)
            )
        pending.append((int(row["ts_ns"]) + latency_ns, *sides))
    limit = None if inventory_limit is None else math.floor(multiple(inventory_limit, lot_size))
    bid, ask = Side(1), Side(-1)
    taken_bids, taken_asks = Taken(1), Taken(-1)
    state = {"held": 0, "cash": Fraction(0), "fees": Fraction(0), "market": None, "last": None}
    fills = []

    def available(lots, size):
        return lots if not partial else min(lots, math.floor(size))

    def displayed(lots, taken, best, size):
        return lots if not partial else taken.take(best, size, lots)

    def printed(side, lots, px, aggressor):
        """A print at the market's best price, by one who may have hit that, is of the size displayed there."""
        best_bid, best_ask, bid_size, ask_size = state["market"]
        far, size, taken = (best_bid, bid_size, taken_bids) if side.sign < 0 else (best_ask, ask_size, taken_asks)
        if partial and lots > 0 and px == far and aggressor != -side.sign:
            return taken.take(far, size, lots)
        return lots

    def fill(event, ts, side, px, lots, rule):
        if lots <= 0:
            return
        bps = taker_fee_bps if rule == "TAKER" else maker_fee_bps
        money = px * tick * lots * lot
        per_unit = taker_fee_per_unit if rule == "TAKER" else maker_fee_per_unit
        side.owed += exact(bps) / 10000 * abs(money) + exact(per_unit) * lots * lot
        due = side.owed if minimum_fee == 0 else max(side.owed, exact(minimum_fee))
        fee = due - side.paid
        side.paid = due
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

    def cancel():
        bid.clear()
        ask.clear()
        taken_bids.lots, taken_asks.lots = {}, {}
        state["market"] = None

    def activate(active, wanted_bid, wanted_ask, event):
        if gap_ns is not None and (state["last"] is None or active - state["last"] > gap_ns):
            cancel()
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
        if state["market"] == "unknown":
            bid_lots = ask_lots = 0
        elif state["market"] is not None:
            best_bid, best_ask, bid_size, ask_size = state["market"]
            if ask_lots and ask_px <= best_bid:
                if marketable == "clamp":
                    ask_px = (best_bid // step + 1) * step
                elif marketable == "reject":
                    ask_lots = 0
                else:
                    taking.append((ask, taken_bids, best_bid, bid_size))
            if bid_lots and bid_px >= best_ask:
                if marketable == "clamp":
                    bid_px = ((best_ask - 1) // step) * step
                elif marketable == "reject":
                    bid_lots = 0
                else:
                    taking.append((bid, taken_asks, best_ask, ask_size))
        place(bid, bid_px, bid_lots)
        place(ask, ask_px, ask_lots)
        for side, taken, px, size in taking:
            fill(event - 1, active, side, px, displayed(side.lots, taken, px, size), "TAKER")

    for number, (ts, _, _, kind, *values) in enumerate(events):
        while pending and ts > pending[0][0]:
            activate(*pending.pop(0), number)
        if gap_ns is not None and state["last"] is not None and ts - state["last"] > gap_ns:
            cancel()
        state["last"] = ts
        if kind == "unknown":
            cancel()
            state["market"] = "unknown"
        elif kind == "quote":
            best_bid, best_ask, bid_size, ask_size = values
            taken_bids.show(best_bid, bid_size)
            taken_asks.show(best_ask, ask_size)
            far_sides = (ask, taken_bids, best_bid, bid_size), (bid, taken_asks, best_ask, ask_size)
            for side, taken, far, size in far_sides:
                if side.px is not None and side.sign * (side.px - far) >= 0:
                    fill(number, ts, side, side.px, displayed(side.lots, taken, far, size), "MARKET")
            for side, best, size in ((bid, best_bid, bid_size), (ask, best_ask, ask_size)):
                if side.px is None:
                    continue
                if side.px == best:
                    left = side.seen - side.traded
                    if size < left:
                        side.ahead = millionths(side.ahead * size / left)
                    side.ahead = min(side.ahead, size)
                    side.seen, side.traded = size, Fraction(0)
                elif side.sign * (side.px - best) > 0:
                    side.ahead = side.seen = side.traded = Fraction(0)
            state["market"] = (best_bid, best_ask, bid_size, ask_size)
        elif state["market"] is not None:
            px, aggressor, size = values
            for side in (ask, bid):
                if side.px is None:
                    continue
                through = side.sign * (side.px - px)
                rule, lots = "TRADE", 0
                if through > 0:
                    lots = available(side.lots, size)
                elif through == 0 and aggressor != side.sign and touch == "always":
                    rule, lots = "TOUCH", available(side.lots, size)
                elif through == 0 and aggressor != side.sign and touch == "queue":
                    left = size - side.ahead
                    side.ahead = max(Fraction(0), -left)
                    side.traded += size
                    if left >= 1:  # a whole lot
                        rule, lots = "QUEUE", available(side.lots, left)
                fill(number, ts, side, side.px, printed(side, lots, px, aggressor), rule)
    while pending and events and pending[0][0] <= events[-1][0]:
        activate(*pending.pop(0), len(events))
    return fills
