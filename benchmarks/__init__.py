"""What Footlight costs, measured beside peers and floors. Nothing here is a test."""
