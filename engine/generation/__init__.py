"""The token loop: a runner, a sampler, and the tokens they make."""
