"""What the benchmarks share: children that measure, what the machine allows, figures of rounds."""
