"""What people do at places: doors, zones, queues, targets, heat and ways. No camera, clock, file, socket or thread."""
