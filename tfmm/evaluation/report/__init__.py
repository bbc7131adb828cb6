"""Report, charts and figures."""
