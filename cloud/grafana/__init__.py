"""Folders, teams, dashboards and alerts in Grafana, made through its API."""
