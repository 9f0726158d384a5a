"""What the service does when it hears something."""
