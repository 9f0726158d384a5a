"""The library's own sections of a configuration file; `core.app.config` is the door."""
