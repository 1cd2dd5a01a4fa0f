"""Where the bridge puts what it receives."""
