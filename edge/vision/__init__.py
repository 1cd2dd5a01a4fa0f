"""From detections to aggregates: pure code that knows no camera, clock, file, socket or thread."""
