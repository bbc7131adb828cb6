"""The model of models.simple with measured fills: J distances, each with its fill probability and its mean profit.

A quote's profit in a decision interval is marked to the mid at the interval's end, so that adverse selection, fees and
rebates are part of it. Assumes: both sides fill independently; the market is the same at every decision. Ignores: the
present spread and drift. With Q orders, |Q| <= L, ask i and bid j of the J distances (or not quoted)
    V(Q) = max_{i,j} g_i + g_j - c(Q) + beta E V(Q - sold_i + bought_j).
Where inventory may be hedged, every decision begins with that: with W(Q) the right-hand side above,
V(Q) = max_T W(T) - h |Q - T| over T from Q to 0, h the cost of an order closed at the market (Hedge.total, where fees
have a minimum). Where instead what exceeds a threshold K must be closed, T is the inventory nearest to Q in -K, ..., K.
"""

from typing import Any, NamedTuple

import numpy as np

from tfmm.arrays import Floats, Ints

_TOLERANCE = 1e-9
BETA = 0.999


class Hedge(NamedTuple):
    """How inventory may be hedged.

    Attributes:
        cost: h, money per order, the fee among it; models.markov_market takes (X,) by state of the market.
        threshold: K, orders; None: any inventory may be closed where that is optimal.
        fee: money per order. minimum_fee: least fee of what is closed at once, money.
    """

    cost: Any
    threshold: int | None = None
    fee: float = 0.0
    minimum_fee: float = 0.0

    def total(self, orders: Ints) -> Any:
        """Cost of closing a number of orders at once, money: h n + max(0, minimum - fee n), 0 where n = 0."""
        lacking = np.maximum(0.0, self.minimum_fee - self.fee * orders)
        return self.cost * orders + np.where(orders > 0, lacking, 0.0)


class Solution(NamedTuple):
    """An optimal policy.

    Attributes:
        value: (2 L + 1,) float64 V(Q), money.
        quote_index: (2 L + 1, 2) int64 index of ask and bid in the J distances after the hedge; -1: not quoted.
        inventory_after_hedge: (2 L + 1,) int64 T(Q), orders.
    """

    value: Floats
    quote_index: Ints
    inventory_after_hedge: Ints

    def quotes(self, distance: Floats) -> Floats:
        """(2 L + 1, 2) ask and bid distance by inventory, from the (J,) that were tried; NaN: not quoted."""
        return np.append(distance, np.nan)[self.quote_index]


def solve(
    fill_probability: Floats, gain: Floats, holding_cost: Floats, beta: float = BETA, hedge: Hedge | None = None
) -> Solution:
    """The best distance of each side by inventory: policy iteration.

    Args:
        fill_probability: (J,) fills per decision. gain: (J,) g, money per decision.
        holding_cost: (2 L + 1,) c, money per decision. beta: discount of a decision. hedge: None: nothing is hedged.
    """
    count = len(holding_cost)
    target = first_targets(count, hedge)
    fill_probability, gain = np.append(fill_probability, 0.0), np.append(gain, 0.0)  # the last one: no quote
    sold, bought = fill_probability[:, np.newaxis], fill_probability[np.newaxis, :]
    down, up = sold * (1.0 - bought), bought * (1.0 - sold)
    income = gain[:, np.newaxis] + gain[np.newaxis, :]
    no_quote = len(fill_probability) - 1
    quote_index = np.full((count, 2), no_quote)
    value = np.zeros(count)
    while True:
        before = value
        value = _evaluate(quote_index, fill_probability, gain, holding_cost, beta, target, hedge)
        if np.max(np.abs(value - before)) <= _TOLERANCE * max(1.0, np.max(np.abs(value))):
            quoted = quote_index[target]
            return Solution(value, np.where(quoted == no_quote, -1, quoted), target - count // 2)
        unhedged_value = np.empty(count)
        for q in range(count):
            low, high = value[max(q - 1, 0)], value[min(q + 1, count - 1)]  # outside the bounds: excluded below
            total = income + beta * (down * (low - value[q]) + up * (high - value[q]))
            if q == 0:
                total = np.where(sold > 0, -np.inf, total)
            if q == count - 1:
                total = np.where(bought > 0, -np.inf, total)
            best = np.unravel_index(np.argmax(total), total.shape)
            if total[best] > total[tuple(quote_index[q])] + 1e-15:
                quote_index[q] = best
            unhedged_value[q] = total[tuple(quote_index[q])] + beta * value[q] - holding_cost[q]
        if hedge is not None and hedge.threshold is None:
            target = best_targets(unhedged_value[:, np.newaxis], target[:, np.newaxis], hedge)[:, 0]


def first_targets(count: int, hedge: Hedge | None) -> Ints:
    """(2 L + 1,) int64 indices of the T(Q) with which a policy iteration begins: only what must be closed is."""
    limit = count // 2
    threshold = limit if hedge is None or hedge.threshold is None else min(hedge.threshold, limit)
    return np.clip(np.arange(count), limit - threshold, limit + threshold)


def best_targets(unhedged_value: Floats, target: Ints, hedge: Hedge) -> Ints:
    """Indices of T(Q) = argmax W(T) - hedge.total(|Q - T|), T from Q to 0; one stays unless another one is better.

    Args:
        unhedged_value: (2 L + 1, X) W. target: (2 L + 1, X) int64 indices so far.

    Returns:
        (2 L + 1, X) int64.
    """
    limit, out = len(unhedged_value) // 2, target.copy()
    for q in range(len(unhedged_value)):
        tried = np.arange(min(q, limit), max(q, limit) + 1)
        total = unhedged_value[tried] - hedge.total(np.abs(q - tried)[:, np.newaxis])
        present = np.take_along_axis(total, (target[q] - tried[0])[np.newaxis], axis=0)[0]
        out[q] = np.where(total.max(axis=0) > present + 1e-12, tried[np.argmax(total, axis=0)], target[q])
    return out


def _evaluate(quote_index, fill_probability, gain, holding_cost, beta, target, hedge):
    """(2 L + 1,) value of quotes and hedges."""
    sold, bought = fill_probability[quote_index[:, 0]], fill_probability[quote_index[:, 1]]
    down, up = sold * (1.0 - bought), bought * (1.0 - sold)
    transition = np.diag(1.0 - down - up) + np.diag(down[1:], -1) + np.diag(up[:-1], 1)
    income = (gain[quote_index].sum(axis=1) - holding_cost)[target]
    if hedge is not None:
        income -= hedge.total(np.abs(np.arange(len(holding_cost)) - target))
    return np.linalg.solve(np.eye(len(holding_cost)) - beta * transition[target], income)
