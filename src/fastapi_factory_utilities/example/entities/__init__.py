"""What the service is about, free of HTTP and of MongoDB."""
