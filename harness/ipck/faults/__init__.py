"""Calls that fail on purpose: scenarios, the engines that carry them out, and what is done with both."""
