"""The service: what runs all day, from the camera to the outbox."""
