"""The library: application, plugins, services."""
