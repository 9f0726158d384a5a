"""What the service does in the background."""
