"""Several runs of one experiment: validation over seeds, sweeps and searches, and their tables."""
