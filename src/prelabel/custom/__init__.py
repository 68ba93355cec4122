"""Serving classes that read and write Label Studio's JSON, each project in its own process."""
