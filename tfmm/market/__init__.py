"""Tick files, checked and merged: readers, tape, store, splits, generator."""
