"""A saved policy on a live market: messages in, quotes out."""
