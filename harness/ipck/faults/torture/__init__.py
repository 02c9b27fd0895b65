"""Torture: each call of each client fails in turn, with each error that it may report, until nothing fires any more."""
