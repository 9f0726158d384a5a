"""Whether trees are what a story tells, and if not, what is the first thing to say about it."""

from collections.abc import Sequence

from fastapi_factory_utilities.testing.telemetry.grammar import More, Pattern
from fastapi_factory_utilities.testing.telemetry.trees import Tree

__all__ = ["difference"]


def difference(
    told: Sequence[Pattern | More], found: Sequence[Tree], *, in_any_order: bool = False, below: str | None = None
) -> str | None:
    """Say what is not as the story tells.

    Args:
        told: The branches of the story.
        found: The trees.
        in_any_order: Whether spans beside one another may have begun in another order than told.
        below: The span that they are below, for the message; `None` for roots.

    Returns:
        A sentence for a person; `None` when the story fits.
    """
    patterns = [pattern for pattern in told if isinstance(pattern, Pattern)]
    gaps = [[_gap(pattern, tree, in_any_order) for tree in found] for pattern in patterns]
    fits = [[gap is None for gap in row] for row in gaps]
    all_told = len(patterns) == len(told)
    if _assigned(fits, len(found), all_told) if in_any_order else _aligned(told, fits, len(found)):
        return None
    place = "among the roots" if below is None else f"below {below!r}"
    for pattern, row, gap_row in zip(patterns, fits, gaps, strict=True):
        if not any(row):
            return next((gap for gap in gap_row if gap), f"{str(pattern)!r} is missing {place}")
    for number, tree in enumerate(found):
        if all_told and not any(row[number] for row in fits):
            return f"{tree.span.name!r} {place} is not in the story"
    if in_any_order or len(patterns) > len(found) or (all_told and len(patterns) != len(found)):
        return f"the story tells {len(patterns)} spans {place}, there are {len(found)}"
    return f"the spans {place} began in another order"


def _gap(pattern: Pattern, tree: Tree, in_any_order: bool) -> str | None:  # noqa: FBT001 - passed on as it came
    """Say why a tree is not what a pattern tells: `None` when it is, an empty text when it has another name."""
    if not pattern.name.fullmatch(tree.span.name):
        return ""
    return pattern.why_not(tree.span) or difference(
        pattern.below, tree.children, in_any_order=in_any_order, below=tree.span.name
    )


def _aligned(told: Sequence[Pattern | More], fits: list[list[bool]], size: int) -> bool:
    """Whether the trees are the told ones in their order; a row of `fits` for each pattern, a column for each tree."""
    reachable = {0}  # how many trees may have been told so far
    row = iter(fits)
    for pattern in told:
        if isinstance(pattern, More):
            reachable = set(range(min(reachable), size + 1)) if reachable else reachable
        else:
            fitting = next(row)
            reachable = {count + 1 for count in reachable if count < size and fitting[count]}
    return size in reachable


def _assigned(fits: list[list[bool]], size: int, all_told: bool) -> bool:  # noqa: FBT001 - as above
    """Whether each pattern gets a tree of its own, and, if all is told, each tree a pattern (augmenting paths)."""
    owner: dict[int, int] = {}

    def place(pattern: int, tried: set[int]) -> bool:
        for tree in range(size):
            if fits[pattern][tree] and tree not in tried:
                tried.add(tree)
                if tree not in owner or place(owner[tree], tried):
                    owner[tree] = pattern
                    return True
        return False

    return all(place(pattern, set()) for pattern in range(len(fits))) and (not all_told or len(owner) == size)
