"""Protocols, metrics, significance tests, tables, plots and reports of signature verification results."""
