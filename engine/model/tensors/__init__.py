"""Weight tensors in memory: each format states its block, its sizes and how it dequantises."""
