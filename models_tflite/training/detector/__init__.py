"""Training of the detector of faces with five points and whole people (decision 0061)."""
