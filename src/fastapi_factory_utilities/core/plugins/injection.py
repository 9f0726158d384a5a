"""FastAPI's dependencies for functions that no request calls: handlers of messages, tasks, schedules."""

import inspect
from collections.abc import Awaitable, Callable
from contextlib import AsyncExitStack
from typing import Annotated, Any, get_args, get_origin

from fastapi import FastAPI, Request, params
from fastapi.dependencies.utils import get_dependant, solve_dependencies

from fastapi_factory_utilities.core.plugins.errors import PluginError

__all__ = ["Injected"]


class Injected[ResultT]:
    """Calls a function with its `Depends` parameters filled in, as a route's are.

    ::

        async def index(message: BookAdded, books: Books) -> None: ...

        handle = Injected(index)
        await handle(app, message)

    Every call is a scope of its own: what a dependency acquires before its `yield` is released when the function has
    returned or raised, and it sees the error. `app.dependency_overrides` count. Dependencies may ask for the
    `HTTPConnection` or `Request` to reach `app.state`; there is nothing else in it.

    Args:
        function: An async function, or a bound method.

    Raises:
        TypeError: It is not async.
        PluginError: A dependency needs something that only a request has, such as a header.
    """

    def __init__(self, function: Callable[..., Awaitable[ResultT]]) -> None:
        if not inspect.iscoroutinefunction(function):
            raise TypeError(f"{_name(function)} must be an async function: write it as `async def`")
        self._function = function
        self._signature = inspect.signature(function, eval_str=True)
        self._injected = {name: given for name, given in self._signature.parameters.items() if _is_injected(given)}
        self._dependant = get_dependant(path="/", call=_asks_for(self._injected.values()))
        self._check()

    @property
    def signature(self) -> inspect.Signature:
        """The parameters that the caller fills in."""
        own = [given for name, given in self._signature.parameters.items() if name not in self._injected]
        return self._signature.replace(parameters=own)

    async def __call__(
        self,
        app: FastAPI,
        /,
        *args: Any,  # noqa: ANN401 - the function's own
        **kwargs: Any,  # noqa: ANN401 - the function's own
    ) -> ResultT:
        """Resolve the dependencies, call the function, release what was acquired.

        Args:
            app: Whose state and overrides count.
            *args: The function's own arguments.
            **kwargs: Likewise.
        """
        if not self._injected:
            return await self._function(*args, **kwargs)
        async with AsyncExitStack() as outer, AsyncExitStack() as inner:
            request = Request(_scope(app, outer, inner))
            solved = await solve_dependencies(
                request=request,
                dependant=self._dependant,
                dependency_overrides_provider=app,
                async_exit_stack=outer,
                embed_body_fields=False,
            )
            if solved.errors:
                wanted = ", ".join(".".join(map(str, error["loc"])) for error in solved.errors)
                raise self._needs_a_request(wanted)
            return await self._function(*args, **kwargs, **solved.values)

    def _check(self) -> None:
        """Refuse at once what could only fail at every call."""
        asked = [self._dependant]
        while asked:
            dependant = asked.pop()
            asked += dependant.dependencies
            fields = [*dependant.query_params, *dependant.header_params, *dependant.cookie_params]
            fields += [*dependant.path_params, *dependant.body_params]
            required = [field.alias for field in fields if _is_required(field)]
            if required:
                raise self._needs_a_request(", ".join(required))

    def _needs_a_request(self, wanted: str) -> PluginError:
        return PluginError(
            f"{_name(self._function)}: a dependency needs {wanted} of a request, and nothing requests this function: "
            f"depend on what the application provides, or give the value as an argument",
            function=_name(self._function),
        )


def _is_injected(parameter: inspect.Parameter) -> bool:
    if isinstance(parameter.default, params.Depends):
        return True
    annotation = parameter.annotation
    return get_origin(annotation) is Annotated and any(
        isinstance(given, params.Depends) for given in get_args(annotation)[1:]
    )


def _asks_for(parameters: Any) -> Callable[..., None]:  # noqa: ANN401 - a view of parameters
    """Make a function that has just these parameters, for FastAPI to look at."""

    def asks() -> None: ...

    keyword_only = [parameter.replace(kind=inspect.Parameter.KEYWORD_ONLY) for parameter in parameters]
    asks.__signature__ = inspect.Signature(keyword_only)  # type: ignore[attr-defined]  # what `inspect` looks at
    return asks


def _scope(app: FastAPI, outer: AsyncExitStack, inner: AsyncExitStack) -> dict[str, Any]:
    return {
        "type": "http",
        "app": app,
        "method": "",
        "path": "",
        "raw_path": b"",
        "query_string": b"",
        "headers": [],
        "path_params": {},
        "state": {},
        # Where FastAPI keeps what dependencies opened, for a request and for the function alone.
        "fastapi_inner_astack": outer,
        "fastapi_function_astack": inner,
    }


def _is_required(field: Any) -> bool:  # noqa: ANN401 - FastAPI's class moved between its versions
    return bool(field.field_info.is_required())


def _name(function: Callable[..., Any]) -> str:
    return getattr(function, "__qualname__", repr(function))
