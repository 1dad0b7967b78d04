"""Both tiers on the same tokens: are their bits the same, and how far are their cycles apart?"""
