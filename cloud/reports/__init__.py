"""Reports for the wall: a week of one store, or of the chain, on two pages."""
