"""What a fill costs: basis points of its notional and an amount for each unit of size, at least a minimum an order.

An order that is filled in parts pays the minimum once: a part is charged what the order owes by then less what it paid
before. A quote that is sent again at the same price in no larger size is the same order. A hedge is an order of its
own. Clients trade without a fee.
"""

from tfmm import jit
from tfmm.arrays import Record
from tfmm.simulation import arguments, state

_TAKER, _CLIENT, _HEDGE = state.TAKER, state.CLIENT, state.HEDGE


@jit.kernel
def notional(price_tick: float, reference_tick: float) -> float:
    """What basis points are taken from, tick: the price, or for an inverse contract R^2 / p, R the reference price."""
    if reference_tick == 0.0:
        return abs(float(price_tick))
    return reference_tick * reference_tick / price_tick


@jit.kernel
def maker(lots: int, price_tick: float, parameters: Record) -> float:
    """Fee of a passive fill (tick x lot, below 0: a rebate), whatever the minimum."""
    of_notional = parameters.maker_rate * lots * notional(price_tick, parameters.reference_tick)
    return of_notional + lots * parameters.maker_fee_tick


@jit.kernel
def taker(lots: int, price_tick: float, parameters: Record) -> float:
    """Fee of an aggressive fill (tick x lot, below 0: a rebate), whatever the minimum."""
    of_notional = parameters.taker_rate * lots * notional(price_tick, parameters.reference_tick)
    return of_notional + lots * parameters.taker_fee_tick


@jit.kernel
def hedge(lots: int, price_tick: float, parameters: Record) -> float:
    """Fee of closing `lots` of inventory at the market at once (tick x lot)."""
    fee = taker(lots, price_tick, parameters)
    return max(fee, parameters.minimum_fee) if parameters.minimum_fee > 0.0 else fee


@jit.kernel
def of_fill(instrument: Record, trade: arguments.Trade, parameters: Record) -> float:
    """Fee that a trade of ours is charged (tick x lot); what the order owes and has paid goes on."""
    if trade.rule == _CLIENT:
        return 0.0
    if trade.rule == _HEDGE:
        return hedge(trade.lots, trade.tick, parameters)
    if trade.rule == _TAKER:
        fee = taker(trade.lots, trade.tick, parameters)
    else:
        fee = maker(trade.lots, trade.tick, parameters)
    if parameters.minimum_fee == 0.0:
        return fee
    if trade.side > 0:
        instrument.bid_fee_owed += fee
        fee = max(instrument.bid_fee_owed, parameters.minimum_fee) - instrument.bid_fee_paid
        instrument.bid_fee_paid += fee
    else:
        instrument.ask_fee_owed += fee
        fee = max(instrument.ask_fee_owed, parameters.minimum_fee) - instrument.ask_fee_paid
        instrument.ask_fee_paid += fee
    return fee


@jit.kernel
def new_orders(instrument: Record, bid_tick: int, bid_lot: int, ask_tick: int, ask_lot: int) -> None:
    """A side that is about to be replaced by another order than the one that rests there owes and has paid nothing."""
    if bid_lot == 0 or bid_tick != instrument.my_bid_tick or bid_lot > instrument.my_bid_lot:
        instrument.bid_fee_owed = instrument.bid_fee_paid = 0.0
    if ask_lot == 0 or ask_tick != instrument.my_ask_tick or ask_lot > instrument.my_ask_lot:
        instrument.ask_fee_owed = instrument.ask_fee_paid = 0.0
