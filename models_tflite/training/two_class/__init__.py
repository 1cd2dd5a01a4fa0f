"""Training of one detector for two classes, whole people and faces with five points (decision 0061)."""
