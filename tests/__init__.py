"""What Footlight promises."""
