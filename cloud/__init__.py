"""The cloud side: from the broker to a store, and from the store to people."""
