"""Benchmarks of IPC calls, on several targets side by side."""
