"""What-if: a suggestion priced on changed wafers, one parameter at a time, without running it."""
