"""The cycle tier: cores, routers, links and queues, simulated cycle by cycle."""
