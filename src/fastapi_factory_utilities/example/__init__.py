"""The Books service: a complete example of a service built on this library."""
