"""Configuration: one file for each section, and how files become frozen structs."""
