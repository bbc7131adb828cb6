"""Vendor files become a checked, merged store."""
