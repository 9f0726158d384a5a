"""What the service tells the world, and where."""
