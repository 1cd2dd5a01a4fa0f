"""Figures to take away: tables as CSV and Parquet, charts as PNG."""
