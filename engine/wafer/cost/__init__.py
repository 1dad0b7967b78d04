"""Costs: a ledger of the cycles of every core by state, and prices of collectives."""
