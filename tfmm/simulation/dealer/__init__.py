"""The dealer: what it observes, and how its action becomes quotes."""
