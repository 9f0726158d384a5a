"""`JWTToken`: a token in text, which shows itself to nobody."""

__all__ = ["JWTToken"]


class JWTToken(str):
    """A token as it came in. It is a secret until it ends: whoever has it is its subject."""

    __slots__ = ()

    def __repr__(self) -> str:
        """Say how long it is, and no more."""
        return f"JWTToken({len(self)} characters)"
