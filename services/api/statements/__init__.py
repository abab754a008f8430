"""Statements of money: what may be asked for, as JSON or CSV."""
