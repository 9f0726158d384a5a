"""A service with an endpoint for everything that a request can carry."""

from datetime import date, datetime, time, timedelta
from decimal import Decimal
from enum import StrEnum
from ipaddress import IPv4Address
from typing import Annotated, Any, Literal
from uuid import UUID

from fastapi import APIRouter, Body, Cookie, File, Form, Header, Query, Request, UploadFile, WebSocket
from pydantic import AnyUrl, BaseModel, ConfigDict, Field, JsonValue

from fastapi_factory_utilities.core.app import ApplicationAbstract, ApplicationGenericBuilder, RootConfig

__all__ = ["App", "AppBuilder"]

router: APIRouter = APIRouter()


class Colour(StrEnum):
    """One of few."""

    RED = "red"
    BLUE = "blue"


class Cat(BaseModel):
    """One of two."""

    kind: Literal["cat"]


class Dog(BaseModel):
    """The other one."""

    kind: Literal["dog"]
    age: int


class Thing(BaseModel):
    """A field of each type that reads text."""

    model_config = ConfigDict(extra="forbid")

    name: Annotated[str, Field(pattern=r"^[^\x00]*$", max_length=50)]
    size: float = 0.0
    price: Decimal = Decimal(0)
    count: Annotated[int, Field(ge=0, lt=2**63)] = 0
    colour: Colour = Colour.RED
    id: UUID | None = None
    day: date | None = None
    at: datetime | None = None
    clock: time | None = None
    lasts: timedelta | None = None
    address: IPv4Address | None = None
    link: AnyUrl | None = None
    pet: Annotated[Cat | Dog, Field(discriminator="kind")] | None = None
    more: dict[str, Any] = {}
    parts: list["Thing"] = []


@router.post("/thing")
async def add_thing(thing: Thing) -> Thing:
    """Take a model, and give it back."""
    return thing


@router.post("/anything")
async def add_anything(body: Annotated[JsonValue, Body()]) -> JsonValue:
    """Take any JSON, and give it back."""
    return body


@router.post("/form")
async def send_form(title: Annotated[str, Form()], count: Annotated[int, Form()] = 0) -> dict[str, Any]:
    """Take a form."""
    return {"title": title, "count": count}


@router.post("/files")
async def send_files(
    files: Annotated[list[UploadFile], File()], title: Annotated[str, Form()] = ""
) -> list[dict[str, Any]]:
    """Take files."""
    return [{"name": file.filename, "size": len(await file.read()), "title": title} for file in files]


@router.put("/raw/{path:path}")
async def put_raw(request: Request, path: str) -> dict[str, Any]:
    """Take whatever comes."""
    return {"path": path, "size": len(await request.body()), "client": str(request.client)}


@router.get("/parameters/{number}/{day}")
async def ask(
    number: int,
    day: date,
    colours: Annotated[list[Colour], Query()] = [],  # noqa: B006 - FastAPI's way to say "none"
    at: Annotated[datetime | None, Query()] = None,
    ratio: Annotated[float, Query(gt=0)] = 1.0,
    x_key: Annotated[int, Header()] = 1,
    session: Annotated[str, Cookie()] = "",
) -> dict[str, Any]:
    """Take parameters from everywhere."""
    return {"number": number, "day": day, "colours": colours, "at": at, "ratio": ratio, "key": x_key, "is": session}


@router.websocket("/talk/{number}")
async def talk(websocket: WebSocket, number: int, wish: str = "") -> None:
    """Say how long it was, whatever was said."""
    await websocket.accept()
    while (message := await websocket.receive())["type"] == "websocket.receive":
        said = message.get("text") or message.get("bytes") or ""
        await websocket.send_json({"number": number, "wish": wish, "length": len(said)})


class App(ApplicationAbstract[RootConfig]):
    """Has nothing but its endpoints."""

    PACKAGE_NAME = "tests"

    def configure(self) -> None:
        """Register them."""
        self.get_asgi_app().include_router(router, prefix="/api")


class AppBuilder(ApplicationGenericBuilder[App]):
    """Builds it as it runs in production, but for the limits of bodies, which are small."""

    def __init__(self, **given: Any) -> None:
        super().__init__(**given)
        about = {"service_namespace": "tests", "service_name": "doors", "description": "", "version": "1"}
        self.add_config(
            {
                "application": {**about, "environment": "production"},
                "server": {"host": "127.0.0.1", "port": 0, "drain_seconds": 0, "max_body_bytes": 200_000},
            }
        )
