"""Reports for the wall: a week of one site, or of the chain, on two pages."""
