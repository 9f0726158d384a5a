"""What every repository does, in MongoDB and in memory: one suite for both.

A test class inherits it and says how repositories are made::

    class TestInMemory(RepositoryContract):
        @pytest.fixture
        async def books(self) -> Books:
            return BooksInMemory()
"""

import asyncio
import re
from contextlib import aclosing
from datetime import UTC, date, datetime, timedelta
from typing import Any
from uuid import UUID, uuid4

import pytest
from beanie import SortDirection
from beanie.operators import All, And, ElemMatch, Exists, In, Nor, Not, NotIn, Or, RegEx, Size, Type

from fastapi_factory_utilities.core.plugins.odm_plugin import (
    EntityNotFoundError,
    InvalidDocumentError,
    OperationError,
    StaleRevisionError,
    UnableToCreateEntityDueToDuplicateKeyError,
)
from tests.contracts.library import (
    SHELF,
    Author,
    Binding,
    Book,
    BookDocument,
    Books,
    Everything,
    EverythingRepository,
    everything,
)

__all__ = ["QUERIES", "RepositoryContract"]

NOBODY = UUID(int=1)

QUERIES: dict[str, tuple[Any, str]] = {
    "equality": (lambda: BookDocument.title == "Anna", "Anna"),
    "equality of a dictionary": (lambda: {"title": "Anna"}, "Anna"),
    "nothing": (dict, "Anna Bel Clara Dora émile"),
    "inequality": (lambda: BookDocument.title != "Anna", "Bel Clara Dora émile"),
    "greater": (lambda: BookDocument.pages > 200, "Anna"),
    "greater or equal": (lambda: BookDocument.pages >= 200, "Anna Clara Dora"),
    "less": (lambda: BookDocument.pages < 10, "émile"),
    "less or equal": (lambda: BookDocument.pages <= 10, "Bel émile"),
    "a range": (lambda: {"pages": {"$gt": 0, "$lt": 200}}, "Bel"),
    "an integer equals a float": (lambda: {"rating": 3}, "Clara"),
    "a comparison looks at one type only": (lambda: {"title": {"$gt": 5}}, ""),
    "null": (lambda: BookDocument.published == None, "Anna Bel Dora"),  # noqa: E711 - Beanie's expression
    "null is less than or equal to null": (lambda: {"rating": {"$lte": None}}, "Bel Dora"),
    "not null": (lambda: {"rating": {"$ne": None}}, "Anna Clara émile"),
    "in": (lambda: In(BookDocument.title, ["Anna", "Dora", "Zoe"]), "Anna Dora"),
    # Regular expressions as values: of fields without an index, where SecantusDB overlooks them.
    "in with a regular expression": (lambda: {"subjects": {"$in": [re.compile("^tr"), "sea"]}}, "Anna Dora"),
    "in nothing": (lambda: {"title": {"$in": []}}, ""),
    "in with null": (lambda: {"place": {"$in": [None, 1]}}, "Anna Bel Clara Dora"),
    "not in": (lambda: NotIn(BookDocument.title, ["Anna", "Dora"]), "Bel Clara émile"),
    "and": (lambda: And(BookDocument.pages == 200, BookDocument.title == "Dora"), "Dora"),
    "or": (lambda: Or(BookDocument.title == "Bel", BookDocument.pages > 800), "Anna Bel"),
    "nor": (lambda: Nor(BookDocument.title == "Bel", BookDocument.pages > 800), "Clara Dora émile"),
    "nested": (lambda: {"$and": [{"$or": [{"pages": 10}, {"pages": 200}]}, {"title": {"$ne": "Dora"}}]}, "Bel Clara"),
    "not": (lambda: Not(BookDocument.pages > 10), "Bel émile"),
    "not matching": (lambda: {"title": {"$not": re.compile("a$")}}, "Bel émile"),
    "an id": (lambda: SHELF[0].id, "Anna"),
    "an id as a field": (lambda: BookDocument.id == SHELF[1].id, "Bel"),
    "an id by its name": (lambda: {"id": SHELF[1].id}, "Bel"),
    "an id by its key": (lambda: {"_id": SHELF[1].id}, "Bel"),
    "ids": (lambda: {"_id": {"$in": [SHELF[0].id, SHELF[4].id]}}, "Anna émile"),
    "a field with an alias": (lambda: BookDocument.shelf == "s1", "Dora émile"),
    "a field with an alias by its name": (lambda: {"shelf": "s1"}, "Dora émile"),
    "a field with an alias by its key": (lambda: {"s": "s1"}, "Dora émile"),
    "a field with an alias in a list": (lambda: {"$or": [{"shelf": "s1"}, {"title": "Bel"}]}, "Bel Dora émile"),
    "an enum": (lambda: BookDocument.binding == Binding.SOFT, "Bel"),
    "a date": (lambda: BookDocument.published == date(1999, 12, 31), "Clara"),
    "an earlier date": (lambda: {"published": {"$lt": date(1800, 1, 1)}}, "émile"),
    "a nested field": (lambda: BookDocument.author.name == "Leo", "Anna"),  # type: ignore[union-attr]  # Beanie's expression
    "a nested field with an alias": (lambda: BookDocument.author.born == 1828, "Anna"),  # type: ignore[union-attr]  # same
    "a nested field by its path": (lambda: {"author.name": {"$in": ["Ann"]}}, "Clara"),
    "a whole nested value": (lambda: {"author": Author(name="Leo", b=1828)}, "Anna"),
    "a nested value in another order": (lambda: {"author": {"b": 1828, "name": "Leo"}}, ""),
    "nothing at a path": (lambda: {"author.name": None}, "Bel Dora émile"),
    "an element": (lambda: {"subjects": "love"}, "Anna Clara"),
    "an element out of several": (lambda: {"subjects": {"$in": ["sea", "trains"]}}, "Anna Dora"),
    "no element": (lambda: {"subjects": {"$ne": "love"}}, "Bel Dora émile"),
    "a whole array": (lambda: {"subjects": ["love"]}, "Clara"),
    "an empty array": (lambda: {"subjects": []}, "Bel émile"),
    "an element by its number": (lambda: {"subjects.1": "trains"}, "Anna"),
    "all elements": (lambda: All(BookDocument.subjects, ["trains", "love"]), "Anna"),
    "all of nothing": (lambda: {"subjects": {"$all": []}}, ""),
    "size": (lambda: Size(BookDocument.subjects, 2), "Anna Dora"),
    "size of nothing": (lambda: {"subjects": {"$size": 0}}, "Bel émile"),
    "through an array": (lambda: {"tags.name": "x"}, "Bel Dora"),
    "conditions through an array are met by different elements": (lambda: {"tags.name": "x", "tags.weight": 5}, "Bel"),
    "an element that meets all": (lambda: ElemMatch(BookDocument.tags, {"name": "x", "weight": 7}), "Dora"),
    "no element meets all": (lambda: ElemMatch(BookDocument.tags, {"name": "x", "weight": 5}), ""),
    "an element in a range": (lambda: {"tags.weight": {"$elemMatch": {"$gt": 0}}}, ""),
    "a scalar element that meets all": (lambda: {"subjects": {"$elemMatch": {"$gt": "m", "$lt": "t"}}}, "Dora"),
    "a whole element": (lambda: {"tags": {"name": "y", "weight": 5}}, "Bel"),
    "exists": (lambda: Exists(BookDocument.rating), "Anna Bel Clara Dora émile"),
    "does not exist": (lambda: {"nowhere": {"$exists": False}}, "Anna Bel Clara Dora émile"),
    "exists at a path": (lambda: {"author.name": {"$exists": True}}, "Anna Clara"),
    "exists through an array": (lambda: {"tags.name": {"$exists": True}}, "Bel Dora"),
    "does not exist through an array": (lambda: {"tags.name": {"$exists": False}}, "Anna Clara émile"),
    "null through an array": (lambda: {"tags.name": None}, ""),
    "type": (lambda: Type(BookDocument.rating, "double"), "Anna Clara émile"),
    "types": (lambda: {"author": {"$type": ["null", "string"]}}, "Bel Dora émile"),
    "type of an element": (lambda: {"subjects": {"$type": "string"}}, "Anna Clara Dora"),
    "type of an array": (lambda: {"subjects": {"$type": "array"}}, "Anna Bel Clara Dora émile"),
    "any number": (lambda: {"rating": {"$type": "number"}}, "Anna Clara émile"),
    "type by its number": (lambda: {"title": {"$type": 2}}, "Anna Bel Clara Dora émile"),
    "a regular expression": (lambda: RegEx(BookDocument.title, "a$"), "Anna Clara Dora"),
    "a regular expression with options": (lambda: RegEx(BookDocument.title, "^[A-C]", "i"), "Anna Bel Clara"),
    "a regular expression of Python": (lambda: {"subjects": re.compile("LOVE", re.IGNORECASE)}, "Anna Clara Dora"),
    "a regular expression and more": (lambda: {"title": {"$regex": "a", "$ne": "Anna"}}, "Clara Dora"),
    "a regular expression in an array": (
        lambda: {"subjects": {"$regex": "^love$", "$options": "i"}},
        "Anna Clara Dora",
    ),
    "letters beyond ASCII": (lambda: {"title": {"$regex": "^é"}}, "émile"),
    "remainder": (lambda: {"pages": {"$mod": [100, 0]}}, "Clara Dora"),
    "remainder of a negative": (lambda: {"pages": {"$mod": [10, -5]}}, "émile"),
    "eq": (lambda: {"pages": {"$eq": 10}}, "Bel"),
    "a comment": (lambda: {"$comment": "who asks", "title": "Bel"}, "Bel"),
    "a time": (lambda: BookDocument.created_at <= datetime.now(UTC) + timedelta(days=1), "Anna Bel Clara Dora émile"),
}
"""A filter, and the titles of the books of the shelf for which it holds."""

MALFORMED: dict[str, Any] = {
    "unknown operator": {"pages": {"$greater": 3}},
    "unknown operator at the top": {"$where_not": 1},
    "in without an array": {"pages": {"$in": 3}},
    "an empty or": {"$or": []},
    "or without an array": {"$or": {"pages": 1}},
    "size that is no number": {"subjects": {"$size": "2"}},
    "a bad regular expression": {"title": {"$regex": "("}},
    "options without a regular expression": {"title": {"$options": "i"}},
    "not of a value": {"pages": {"$not": 3}},
    "remainder by zero": {"pages": {"$mod": [0, 0]}},
    "unknown type": {"pages": {"$type": "integer"}},
    "all without an array": {"subjects": {"$all": "love"}},
    "element match of a value": {"subjects": {"$elemMatch": "love"}},
}

ORDERS: dict[str, tuple[Any, str]] = {
    "a name": (lambda: "title", "Anna Bel Clara Dora émile"),
    "a name downwards": (lambda: "-title", "émile Dora Clara Bel Anna"),
    "a name upwards": (lambda: "+title", "Anna Bel Clara Dora émile"),
    "a field": (lambda: BookDocument.title, "Anna Bel Clara Dora émile"),
    "a field downwards": (lambda: -BookDocument.title, "émile Dora Clara Bel Anna"),  # type: ignore[operator]  # Beanie's expression
    "a pair": (lambda: ("title", SortDirection.DESCENDING), "émile Dora Clara Bel Anna"),
    "several keys": (lambda: ["pages", "-title"], "émile Bel Dora Clara Anna"),
    "several fields": (lambda: [-BookDocument.pages, +BookDocument.title], "Anna Clara Dora Bel émile"),  # type: ignore[operator]  # same
    "pairs": (lambda: [("pages", -1), ("title", 1)], "Anna Clara Dora Bel émile"),
    "null comes first": (lambda: ["rating", "title"], "Bel Dora émile Clara Anna"),
    "null comes last downwards": (lambda: ["-rating", "title"], "Anna Clara émile Bel Dora"),
    "a nested field": (lambda: ["author.name", "title"], "Bel Dora émile Clara Anna"),
    "an array by its least element": (lambda: ["subjects", "title"], "Bel émile Dora Anna Clara"),
    "an array by its greatest element": (lambda: ["-subjects", "title"], "Anna Dora Clara Bel émile"),
    "through an array": (lambda: ["-tags.weight", "title"], "Dora Bel Anna Clara émile"),
    "a field with an alias": (lambda: ["-shelf", "-place", "title"], "émile Dora Anna Bel Clara"),
    "a date": (lambda: ["-published", "title"], "Clara émile Anna Bel Dora"),
}


def changed(book: Book, **values: Any) -> Book:
    return book.model_copy(update=values)


class RepositoryContract:
    """Inherit it, and define the fixtures `books` and `all_kinds`."""

    @pytest.fixture
    async def books(self) -> Books:
        raise NotImplementedError("an empty repository of books, indexes included")

    @pytest.fixture
    async def all_kinds(self) -> EverythingRepository:
        raise NotImplementedError("an empty repository of everything")

    @pytest.fixture
    async def shelf(self, books: Books) -> Books:
        """The books of SHELF."""
        await books.insert_many(SHELF)
        return books

    # --- one entity ---

    async def test_what_insert_returns_is_what_is_read(self, books: Books) -> None:
        given = Book(title="Emma", author=Author(name="Jane", b=1775))
        inserted = await books.insert(given)
        assert inserted == await books.get_one_by_id(given.id)
        assert inserted is not given
        assert (inserted.id, inserted.title, inserted.author) == (given.id, given.title, given.author)

    async def test_insert_sets_a_revision_and_both_times(self, books: Books) -> None:
        before = datetime.now(UTC) - timedelta(milliseconds=1)
        inserted = await books.insert(Book(title="Emma", created_at=datetime(1999, 1, 1, tzinfo=UTC)))
        assert inserted.revision_id is not None
        assert before <= inserted.created_at == inserted.updated_at <= datetime.now(UTC)
        assert inserted.created_at.tzinfo is UTC
        assert inserted.created_at.microsecond % 1000 == 0

    async def test_every_type_of_field_comes_back_as_it_was_returned(self, all_kinds: EverythingRepository) -> None:
        given = Everything(**everything())
        inserted = await all_kinds.insert(given)
        read = await all_kinds.get_one_by_id(given.id)
        assert read == inserted
        assert {name: type(value) for name, value in read} == {name: type(value) for name, value in inserted}
        same = set(everything()) - {"moment", "moments", "link"}
        assert {name: getattr(read, name) for name in same} == {name: getattr(given, name) for name in same}
        assert read.moment == given.moment.replace(microsecond=999000)
        assert read.moments == {"start": datetime(2020, 1, 1, 12, 0, 0, 123000, tzinfo=UTC)}

    async def test_every_type_of_field_is_updated(self, all_kinds: EverythingRepository) -> None:
        inserted = await all_kinds.insert(Everything(**everything()))
        updated = await all_kinds.update(inserted.model_copy(update={"words": {"c"}, "pair": (2, "two")}))
        assert updated == await all_kinds.get_one_by_id(inserted.id)
        assert (updated.words, updated.pair) == ({"c"}, (2, "two"))

    async def test_a_missing_entity_is_none(self, books: Books) -> None:
        assert await books.get_one_by_id(NOBODY) is None
        assert await books.get_one({"title": "Nobody"}) is None

    async def test_what_is_returned_is_isolated_from_what_is_kept(self, books: Books) -> None:
        given = Book(title="Emma", subjects=["love"], author=Author(name="Jane"))
        inserted = await books.insert(given)
        given.subjects.append("war")
        inserted.subjects.append("peace")
        read = await books.get_one_by_id(given.id)
        assert read is not None
        assert read.author is not None
        assert read.subjects == ["love"]
        read.author.name = "Nobody"
        again = await books.get_one_by_id(given.id)
        assert again is not None
        assert again.author == Author(name="Jane")

    # --- update ---

    async def test_update_stores_changes_and_returns_what_is_read(self, books: Books) -> None:
        inserted = await books.insert(Book(title="Emma"))
        await asyncio.sleep(0.002)
        updated = await books.update(changed(inserted, title="Persuasion", author=Author(name="Jane")))
        assert updated == await books.get_one_by_id(inserted.id)
        assert updated.title == "Persuasion"
        assert updated.created_at == inserted.created_at
        assert updated.updated_at > inserted.updated_at
        assert updated.revision_id not in (None, inserted.revision_id)

    async def test_update_keeps_the_time_of_creation_whatever_the_entity_says(self, books: Books) -> None:
        inserted = await books.insert(Book(title="Emma"))
        updated = await books.update(changed(inserted, created_at=datetime(1999, 1, 1, tzinfo=UTC), pages=3))
        assert updated.created_at == inserted.created_at
        assert updated == await books.get_one_by_id(inserted.id)

    async def test_update_sets_a_field_to_none(self, books: Books) -> None:
        inserted = await books.insert(Book(title="Emma", rating=3.5, author=Author(name="Jane")))
        await books.update(changed(inserted, rating=None, author=None))
        read = await books.get_one_by_id(inserted.id)
        assert read is not None
        assert (read.rating, read.author) == (None, None)

    async def test_a_stale_revision_is_refused_and_changes_nothing(self, books: Books) -> None:
        first = await books.insert(Book(title="Emma"))
        second = await books.update(changed(first, pages=1))
        with pytest.raises(StaleRevisionError) as caught:
            await books.update(changed(first, pages=2))
        assert caught.value.fields["entity_id"] == first.id
        assert await books.get_one_by_id(first.id) == second

    async def test_an_entity_that_was_never_read_cannot_overwrite_one_that_is_there(self, books: Books) -> None:
        inserted = await books.insert(Book(title="Emma"))
        with pytest.raises(StaleRevisionError):
            await books.update(Book(id=inserted.id, title="Other"))

    async def test_of_updates_at_the_same_time_one_wins(self, books: Books) -> None:
        inserted = await books.insert(Book(title="Emma"))
        results = await asyncio.gather(
            *(books.update(changed(inserted, pages=number)) for number in range(8)), return_exceptions=True
        )
        won = [result for result in results if isinstance(result, Book)]
        assert len(won) == 1
        assert all(isinstance(result, StaleRevisionError) for result in results if result is not won[0])
        assert await books.get_one_by_id(inserted.id) == won[0]

    async def test_updating_what_is_not_there_is_a_value_error(self, books: Books) -> None:
        with pytest.raises(ValueError, match="there is no") as caught:
            await books.update(Book(id=NOBODY, title="Nobody"))
        assert isinstance(caught.value, EntityNotFoundError)
        assert isinstance(caught.value, OperationError)
        assert await books.count() == 0

    # --- delete ---

    async def test_delete_deletes(self, shelf: Books) -> None:
        assert await shelf.delete_one_by_id(SHELF[0].id) is True
        assert await shelf.get_one_by_id(SHELF[0].id) is None
        assert await shelf.count() == len(SHELF) - 1

    async def test_deleting_what_is_not_there_is_a_value_error_only_when_asked(self, books: Books) -> None:
        assert await books.delete_one_by_id(NOBODY) is False
        with pytest.raises(ValueError, match="there is no") as caught:
            await books.delete_one_by_id(NOBODY, raise_if_not_found=True)
        assert isinstance(caught.value, EntityNotFoundError)

    # --- unique values ---

    async def test_an_id_is_taken_once(self, books: Books) -> None:
        inserted = await books.insert(Book(title="Emma"))
        with pytest.raises(UnableToCreateEntityDueToDuplicateKeyError) as caught:
            await books.insert(Book(id=inserted.id, title="Other"))
        assert caught.value.fields["index"] == "_id_"
        assert await books.get_one_by_id(inserted.id) == inserted

    async def test_inserting_the_same_entity_twice_is_refused(self, books: Books) -> None:
        inserted = await books.insert(Book(title="Emma"))
        with pytest.raises(UnableToCreateEntityDueToDuplicateKeyError):
            await books.insert(inserted)

    async def test_a_unique_value_is_taken_once_and_told_without_the_value(self, shelf: Books) -> None:
        with pytest.raises(UnableToCreateEntityDueToDuplicateKeyError) as caught:
            await shelf.insert(Book(title="Anna"))
        assert caught.value.fields["collection"] == "books"
        assert caught.value.fields["operation"] == "insert"
        assert caught.value.fields["index"] == "title_1"
        assert "Anna" not in str(caught.value)
        assert "Anna" not in repr(caught.value.fields)
        assert caught.value.__cause__ is not None
        assert await shelf.count() == len(SHELF)

    async def test_update_cannot_take_a_unique_value_either(self, shelf: Books) -> None:
        bel = await shelf.get_one(BookDocument.title == "Bel")
        assert bel is not None
        with pytest.raises(UnableToCreateEntityDueToDuplicateKeyError):
            await shelf.update(changed(bel, title="Anna"))
        assert await shelf.get_one_by_id(bel.id) == bel

    async def test_values_are_unique_together(self, shelf: Books) -> None:
        await shelf.insert(Book(title="Fanny", shelf="s1", place=3))
        with pytest.raises(UnableToCreateEntityDueToDuplicateKeyError) as caught:
            await shelf.insert(Book(title="Gerda", shelf="s1", place=1))
        assert caught.value.fields["index"] == "one_book_a_place"

    async def test_a_partial_index_leaves_others_alone(self, books: Books) -> None:
        await books.insert_many([Book(title="a"), Book(title="b", place=1), Book(title="c", place=1)])
        assert await books.count() == 3

    async def test_a_unique_value_is_free_again_after_an_update_or_a_deletion(self, books: Books) -> None:
        emma = await books.insert(Book(title="Emma"))
        await books.update(changed(emma, title="Emma 2"))
        other = await books.insert(Book(title="Emma"))
        await books.delete_one_by_id(other.id)
        await books.insert(Book(title="Emma"))

    # --- many ---

    async def test_insert_many_returns_what_is_read_in_order(self, books: Books) -> None:
        inserted = await books.insert_many(Book(title=title) for title in ("c", "a", "b"))
        assert [book.title for book in inserted] == ["c", "a", "b"]
        assert await books.find(sort="title") == sorted(inserted, key=lambda book: book.title)
        assert len({book.revision_id for book in inserted}) == 3

    async def test_insert_many_of_nothing_does_nothing(self, books: Books) -> None:
        assert await books.insert_many([]) == []

    async def test_insert_many_stops_at_the_first_that_cannot_be_inserted(self, shelf: Books) -> None:
        with pytest.raises(UnableToCreateEntityDueToDuplicateKeyError) as caught:
            await shelf.insert_many([Book(title="New"), Book(title="Anna"), Book(title="Newer")])
        assert caught.value.fields["position"] == 1
        assert caught.value.fields["index"] == "title_1"
        assert await shelf.exists(BookDocument.title == "New")
        assert not await shelf.exists(BookDocument.title == "Newer")

    # --- upsert ---

    async def test_upsert_inserts_what_is_new(self, books: Books) -> None:
        upserted = await books.upsert(Book(title="Emma", created_at=datetime(1999, 1, 1, tzinfo=UTC)))
        assert upserted == await books.get_one_by_id(upserted.id)
        assert upserted.created_at == upserted.updated_at > datetime(2000, 1, 1, tzinfo=UTC)
        assert upserted.revision_id is not None

    async def test_upsert_replaces_what_is_there(self, books: Books) -> None:
        inserted = await books.insert(Book(title="Emma", pages=5))
        upserted = await books.upsert(Book(id=inserted.id, title="Other"))
        assert upserted == await books.get_one_by_id(inserted.id)
        assert (upserted.title, upserted.pages, upserted.created_at) == ("Other", 0, inserted.created_at)
        assert upserted.revision_id != inserted.revision_id

    async def test_upsert_refuses_a_stale_revision(self, books: Books) -> None:
        first = await books.insert(Book(title="Emma"))
        second = await books.upsert(changed(first, pages=1))
        with pytest.raises(StaleRevisionError):
            await books.upsert(changed(first, pages=2))
        with pytest.raises(StaleRevisionError):
            await books.upsert(changed(first, title="Other title"))
        assert await books.get_one_by_id(first.id) == second

    async def test_upsert_brings_back_what_was_deleted(self, books: Books) -> None:
        inserted = await books.insert(Book(title="Emma"))
        await books.delete_one_by_id(inserted.id)
        assert await books.upsert(inserted) == await books.get_one_by_id(inserted.id)

    async def test_upsert_cannot_take_a_unique_value(self, shelf: Books) -> None:
        with pytest.raises(UnableToCreateEntityDueToDuplicateKeyError):
            await shelf.upsert(Book(title="Anna"))
        bel = await shelf.get_one(BookDocument.title == "Bel")
        assert bel is not None
        with pytest.raises(UnableToCreateEntityDueToDuplicateKeyError):
            await shelf.upsert(changed(bel, title="Anna"))
        with pytest.raises(UnableToCreateEntityDueToDuplicateKeyError):
            await shelf.upsert(Book(id=bel.id, title="Anna"))

    async def test_upserts_of_one_new_entity_at_the_same_time_all_succeed(self, books: Books) -> None:
        entity = Book(title="Emma")
        await asyncio.gather(*(books.upsert(changed(entity, pages=number)) for number in range(8)))
        assert await books.count() == 1

    # --- queries ---

    @pytest.mark.parametrize("name", QUERIES)
    async def test_a_query_finds(self, shelf: Books, name: str) -> None:
        query, titles = QUERIES[name]
        assert " ".join(await shelf.titles(query(), sort="title")) == titles

    @pytest.mark.parametrize("name", QUERIES)
    async def test_a_query_counts(self, shelf: Books, name: str) -> None:
        query, titles = QUERIES[name]
        assert await shelf.count(query()) == len(titles.split())
        assert await shelf.exists(query()) is bool(titles)
        first = await shelf.get_one(query(), sort="title")
        assert (first.title if first else "") == titles.partition(" ")[0]

    async def test_several_filters_must_all_hold(self, shelf: Books) -> None:
        assert await shelf.titles(BookDocument.pages == 200, {"subjects": "love"}) == ["Clara"]

    @pytest.mark.parametrize("name", MALFORMED)
    async def test_a_malformed_query_is_refused(self, shelf: Books, name: str) -> None:
        with pytest.raises(OperationError):
            await shelf.find(MALFORMED[name])

    @pytest.mark.parametrize("no_filter", [True, "title", 5, [("title", "Anna")]])
    async def test_what_is_no_filter_is_refused(self, shelf: Books, no_filter: Any) -> None:
        with pytest.raises(TypeError, match="a filter is"):
            await shelf.find(no_filter)
        with pytest.raises(TypeError, match="a filter is"):
            await shelf.count(no_filter)

    @pytest.mark.parametrize("name", ORDERS)
    async def test_an_order_is_kept(self, shelf: Books, name: str) -> None:
        order, titles = ORDERS[name]
        assert " ".join(await shelf.titles(sort=order())) == titles

    @pytest.mark.parametrize("no_order", [5, ("title", "down", 3), [None], "", "-", ("title", 3)])
    async def test_what_is_no_order_is_refused(self, shelf: Books, no_order: Any) -> None:
        with pytest.raises(TypeError):
            await shelf.find(sort=no_order)

    async def test_skip_and_limit(self, shelf: Books) -> None:
        assert await shelf.titles(sort="title", skip=1, limit=2) == ["Bel", "Clara"]
        assert await shelf.titles(sort="title", skip=4) == ["émile"]
        assert await shelf.titles(sort="title", skip=9) == []
        assert await shelf.titles(limit=0) == []
        assert len(await shelf.titles(limit=99)) == 5

    @pytest.mark.parametrize("options", [{"skip": -1}, {"limit": -1}])
    async def test_a_negative_skip_or_limit_is_refused(self, books: Books, options: dict[str, Any]) -> None:
        with pytest.raises(ValueError, match="not negative"):
            await books.find(**options)
        with pytest.raises(ValueError, match="not negative"):
            [book async for book in books.stream(**options)]

    # --- streams and pages ---

    async def test_stream_yields_what_find_returns(self, shelf: Books) -> None:
        streamed = [book async for book in shelf.stream(BookDocument.pages > 0, sort="-title", skip=1, batch_size=2)]
        assert streamed == await shelf.find(BookDocument.pages > 0, sort="-title", skip=1)
        assert [book async for book in shelf.stream(limit=0)] == []
        assert len([book async for book in shelf.stream(limit=2)]) == 2

    async def test_a_stream_may_be_left_early(self, shelf: Books) -> None:
        async with aclosing(shelf.stream(sort="title", batch_size=1)) as stream:
            async for book in stream:
                assert book.title == "Anna"
                break
        assert await shelf.count() == 5

    async def test_pages_partition_what_find_returns(self, shelf: Books) -> None:
        pages = [await shelf.paginate(page=number, size=2, sort="pages") for number in (1, 2, 3, 4)]
        assert [len(page.items) for page in pages] == [2, 2, 1, 0]
        assert {book.title for page in pages for book in page.items} == {book.title for book in SHELF}
        assert [page.total for page in pages] == [5, 5, 5, 5]
        assert [page.has_next for page in pages] == [True, True, False, False]
        assert pages[0].pages == 3

    async def test_a_page_of_nothing(self, books: Books) -> None:
        page = await books.paginate(BookDocument.title == "Nobody")
        assert (page.items, page.total, page.pages, page.has_next) == ([], 0, 0, False)

    @pytest.mark.parametrize("options", [{"page": 0}, {"size": 0}])
    async def test_a_page_that_cannot_be_is_refused(self, books: Books, options: dict[str, Any]) -> None:
        with pytest.raises(ValueError, match="first page is 1"):
            await books.paginate(**options)

    # --- what does not fit ---

    async def test_an_entity_that_does_not_fit_is_refused_before_it_is_stored(self, books: Books) -> None:
        book = Book(title="Emma")
        book.title = 7  # type: ignore[assignment]  # what a careless caller does
        with pytest.raises(InvalidDocumentError) as caught:
            await books.insert(book)
        assert caught.value.fields["problems"] == ("title: string_type",)
        assert caught.value.__cause__ is None
        assert await books.count() == 0

    async def test_an_update_that_does_not_fit_is_refused_before_it_is_stored(self, books: Books) -> None:
        inserted = await books.insert(Book(title="Emma"))
        with pytest.raises(InvalidDocumentError):
            await books.update(changed(inserted, pages="many"))
        assert await books.get_one_by_id(inserted.id) == inserted

    async def test_a_value_that_bson_cannot_hold_is_refused(self, books: Books) -> None:
        for pages in (2**70, -(2**63) - 1):
            with pytest.raises(InvalidDocumentError, match="insert in the collection 'books'"):
                await books.insert(Book(title="Emma", pages=pages))
        with pytest.raises(InvalidDocumentError):
            await books.insert(Book(title="lone \ud800 surrogate"))
        assert await books.count() == 0

    async def test_a_filter_that_bson_cannot_hold_is_refused(self, books: Books) -> None:
        with pytest.raises(OperationError):
            await books.find(BookDocument.pages == 2**70)

    # --- transactions ---

    async def test_a_transaction_is_committed_as_a_whole(self, books: Books) -> None:
        async with books.transaction() as session:
            inserted = await books.insert(Book(title="Emma"), session=session)
            updated = await books.update(changed(inserted, pages=3), session=session)
            assert await books.get_one_by_id(inserted.id) is None
            assert await books.get_one_by_id(inserted.id, session=session) == updated
            assert await books.count(session=session) == 1
            assert await books.find(session=session) == [updated]
            assert [book async for book in books.stream(session=session)] == [updated]
            assert await books.exists(session=session)
        assert await books.get_one_by_id(inserted.id) == updated

    async def test_a_transaction_that_fails_leaves_nothing(self, shelf: Books) -> None:
        with pytest.raises(RuntimeError, match="trouble"):  # noqa: PT012 - the block is what is tested
            async with shelf.transaction() as session:
                await shelf.insert(Book(title="Emma"), session=session)
                await shelf.delete_one_by_id(SHELF[0].id, session=session)
                await shelf.upsert(Book(title="Fanny"), session=session)
                await shelf.insert_many([Book(title="Gerda")], session=session)
                raise RuntimeError("trouble")
        assert await shelf.titles(sort="title") == [book.title for book in SHELF]

    async def test_a_transaction_with_a_duplicate_leaves_nothing(self, shelf: Books) -> None:
        with pytest.raises(UnableToCreateEntityDueToDuplicateKeyError):  # noqa: PT012 - the block is what is tested
            async with shelf.transaction() as session:
                await shelf.insert(Book(title="Emma"), session=session)
                await shelf.insert(Book(title="Anna"), session=session)
        assert not await shelf.exists(BookDocument.title == "Emma")

    async def test_a_session_makes_transactions_by_hand(self, books: Books) -> None:
        async with books.get_session() as session:
            async with await session.start_transaction():
                await books.insert(Book(title="Emma"), session=session)
            await session.start_transaction()
            await books.insert(Book(title="Fanny"), session=session)
            await session.abort_transaction()
            await session.start_transaction()
            await books.insert(Book(title="Gerda"), session=session)
            await session.commit_transaction()
            assert not session.in_transaction
        assert await books.titles(sort="title") == ["Emma", "Gerda"]

    async def test_a_session_in_one_line(self, books: Books) -> None:
        async with books.get_session() as session, await session.start_transaction():
            await books.insert(Book(title="Emma"), session=session)
        assert await books.count() == 1

    async def test_a_session_without_a_transaction_changes_nothing(self, books: Books) -> None:
        async with books.get_session() as session:
            inserted = await books.insert(Book(title="Emma"), session=session)
            assert await books.get_one_by_id(inserted.id) == inserted

    async def test_of_two_transactions_that_write_one_document_the_second_is_refused(self, books: Books) -> None:
        inserted = await books.insert(Book(title="Emma"))
        with pytest.raises(OperationError) as caught:  # noqa: PT012 - the block is what is tested
            async with books.transaction() as first, books.transaction() as second:
                assert await books.count(session=first) == await books.count(session=second) == 1
                await books.update(changed(inserted, pages=1), session=first)
                await books.update(changed(inserted, pages=2), session=second)
        assert caught.value.fields["transient"] is True
        assert await books.get_one_by_id(inserted.id) == inserted

    # --- what it is ---

    async def test_the_collection_has_the_documents_name(self, books: Books) -> None:
        assert books.collection_name == "books"

    async def test_every_error_names_collection_and_operation(self, books: Books) -> None:
        with pytest.raises(OperationError) as caught:
            await books.update(Book(id=uuid4(), title="Nobody"))
        assert caught.value.fields["collection"] == "books"
        assert caught.value.fields["operation"] == "update"
