"""Which clip a display shows: rules over the people before it, taken together. No camera, clock, file or thread."""
