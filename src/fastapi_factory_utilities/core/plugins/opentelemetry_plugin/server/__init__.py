"""What the plugin puts around everything that the application serves: a span and a duration for each request."""
