"""Validation targets: published figures beside what both tiers predict, one module a subject."""
