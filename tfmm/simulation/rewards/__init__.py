"""One file a reward kind, and interval: which of them a step earns."""
