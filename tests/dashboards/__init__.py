"""What the dashboards are tested with: a small chain, Grafana's way of asking, and what each panel must show."""
