"""The exchange: market events, fill rules, queue, ledger and orders; replay of given quotes."""
