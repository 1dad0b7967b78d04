"""Predictions: how long collectives, products and layers of sizes nobody listed take on a wafer."""
