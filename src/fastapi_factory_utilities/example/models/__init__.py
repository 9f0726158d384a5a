"""How entities are kept."""
