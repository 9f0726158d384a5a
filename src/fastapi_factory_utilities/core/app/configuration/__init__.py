"""How configuration is read, validated and shown; `core.app.loading` is the door."""
