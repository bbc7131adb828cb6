"""The market-making problem on a tape of market data."""
