"""Training and export of the models."""
