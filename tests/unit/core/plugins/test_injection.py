from collections.abc import AsyncIterator
from typing import Annotated

import pytest
from fastapi import Depends, FastAPI, Header, Request
from starlette.requests import HTTPConnection

from fastapi_factory_utilities.core.plugins import PluginError, Provided
from fastapi_factory_utilities.core.plugins.injection import Injected

answer = Provided[int]("answer", plugin="AnswerPlugin")
Answer = Annotated[int, Depends(answer)]


@pytest.fixture
def app() -> FastAPI:
    app = FastAPI()
    answer.publish(app, 42)
    return app


async def test_what_a_plugin_provides_is_injected_beside_the_callers_arguments(app: FastAPI) -> None:
    async def handle(text: str, value: Answer, *, loud: bool = False) -> str:
        return f"{text} {value}{'!' if loud else ''}"

    assert await Injected(handle)(app, "it is", loud=True) == "it is 42!"


async def test_dependencies_of_dependencies_and_generators_live_as_long_as_the_call(app: FastAPI) -> None:
    told: list[str] = []

    async def session(value: Answer) -> AsyncIterator[str]:
        told.append("open")
        yield f"session {value}"
        told.append("close")

    async def handle(given: Annotated[str, Depends(session)]) -> None:
        told.append(given)

    await Injected(handle)(app)
    await Injected(handle)(app)
    assert told == ["open", "session 42", "close"] * 2


async def test_a_generator_sees_the_error_of_the_function(app: FastAPI) -> None:
    told: list[str] = []

    async def session() -> AsyncIterator[int]:
        try:
            yield 1
        except ValueError:
            told.append("rolled back")
            raise

    async def handle(_: Annotated[int, Depends(session)]) -> None:
        raise ValueError

    with pytest.raises(ValueError, match=r"^$"):
        await Injected(handle)(app)
    assert told == ["rolled back"]


async def test_one_dependency_asked_for_twice_is_made_once_in_a_call(app: FastAPI) -> None:
    made: list[int] = []

    async def one() -> int:
        made.append(1)
        return len(made)

    async def two(first: Annotated[int, Depends(one)]) -> int:
        return first

    async def handle(first: Annotated[int, Depends(one)], second: Annotated[int, Depends(two)]) -> bool:
        return first == second

    assert await Injected(handle)(app)
    assert len(made) == 1


async def test_overrides_count(app: FastAPI) -> None:
    async def handle(value: Answer) -> int:
        return value

    app.dependency_overrides[answer] = lambda: 1
    assert await Injected(handle)(app) == 1


async def test_methods_defaults_and_connections_work_as_in_routes(app: FastAPI) -> None:
    async def through_connection(connection: HTTPConnection) -> bool:
        return connection.app is app

    def through_request(request: Request) -> int:
        return answer.of(request.app)

    class Handler:
        async def handle(
            self, same: Annotated[bool, Depends(through_connection)], value: int = Depends(through_request)
        ) -> tuple[bool, int]:
            return same, value

    assert await Injected(Handler().handle)(app) == (True, 42)


def test_what_only_a_request_has_is_refused_when_it_is_registered() -> None:
    async def tenant(x_tenant: Annotated[str, Header()]) -> str:
        return x_tenant

    async def handle(_: Annotated[str, Depends(tenant)]) -> None: ...

    with pytest.raises(PluginError, match="handle: a dependency needs x-tenant of a request"):
        Injected(handle)


def test_a_plain_function_is_refused() -> None:
    def handle() -> None: ...

    with pytest.raises(TypeError, match="async def"):
        Injected(handle)  # type: ignore[arg-type]  # on purpose


def test_the_signature_is_what_the_caller_fills_in() -> None:
    async def handle(text: str, value: Answer) -> None: ...

    assert list(Injected(handle).signature.parameters) == ["text"]
