"""Client flow: arrivals, survival of quotes and the inventory distribution that follows."""
