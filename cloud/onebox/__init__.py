"""One box for one shop: broker, store and page in one process."""
