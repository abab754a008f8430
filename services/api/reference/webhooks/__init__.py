"""Webhook endpoints and deliveries, described."""
