"""Everything goes wrong at once, and at the end every window is in the store once: ``make chaos``."""
