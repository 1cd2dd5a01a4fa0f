"""From the broker into the store: decode, store, acknowledge."""
