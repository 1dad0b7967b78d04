"""Models in the running app: which serves, comes, is fetched, measured or taught."""
