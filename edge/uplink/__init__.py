"""From the pipeline to the broker without losing a count."""
