"""Services that applications and plugins share."""
