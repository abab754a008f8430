"""The whole stack on one machine without containers: servers, simulator, services, one supervisor."""
