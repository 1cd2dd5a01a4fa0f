"""The chain, its sites, and the tally of a day: what every figure is made from."""
