"""From detections to aggregates: pure code without camera, clock, file, socket or thread."""
