"""The built-in page: one shop's day for the store manager, without Grafana."""
