"""A wrong configuration is one error: every mistake, where it is, what to do; never a value."""

import pickle
import traceback
from collections.abc import Callable, Mapping
from datetime import date, datetime, time, timedelta
from decimal import Decimal
from pathlib import Path
from typing import Annotated, Any, Literal
from uuid import UUID

import pytest
from pydantic import AfterValidator, BaseModel, Field, HttpUrl, SecretStr, field_validator, model_validator
from pydantic.networks import MongoDsn
from pydantic_core import PydanticCustomError

from fastapi_factory_utilities.core.app.config import FrozenModel, RootConfig
from fastapi_factory_utilities.core.app.loading import ConfigBuilderError, load_config
from fastapi_factory_utilities.core.exceptions import FastAPIFactoryUtilitiesError
from fastapi_factory_utilities.core.plugins.config import PluginConfig

MakePackage = Callable[[Mapping[str, str]], str]

APPLICATION = """\
application:
  service_namespace: library
  service_name: books
  description: Keeps books.
  version: 0.1.0
  environment: development
"""


class Store(PluginConfig):
    uri: SecretStr = Field(examples=["mongodb://localhost:27017"])
    database: str = "test"
    mode: Literal["fast", "safe"]
    limit: int


class Cat(BaseModel):
    kind: Literal["cat"]
    lives: int


class Dog(BaseModel):
    kind: Literal["dog"]


def _shout(value: str) -> str:
    raise ValueError(f"cannot use {value.upper()!r} (from {value})")


def _assert(value: str) -> str:
    assert len(value) < 0, f"too long: {value}"
    return value


def _custom(value: str) -> str:
    raise PydanticCustomError("my_error", "wrong: {wrong}", {"wrong": value})


def _bug(value: str) -> str:
    raise KeyError(value)


class Zoo(FrozenModel):
    """Every kind of value."""

    whole: int = 0
    ratio: float = 0.0
    exact: Decimal = Decimal(0)
    flag: bool = False
    day: date | None = None
    moment: datetime | None = None
    clock: time | None = None
    pause: timedelta | None = None
    uuid: UUID | None = None
    url: HttpUrl | None = None
    dsn: MongoDsn | None = None
    either: int | list[int] | None = None
    pet: Annotated[Cat | Dog, Field(discriminator="kind")] | None = None
    pattern: str = Field(default="abc", pattern="^[a-c]+$")
    short: str = Field(default="", max_length=3)
    few: list[int] = Field(default_factory=list, max_length=1)
    choice: Literal["one", "two"] = "one"
    secret: SecretStr | None = None
    table: dict[str, int] = Field(default_factory=dict)
    shouting: Annotated[str, AfterValidator(_shout)] = Field(default="", validate_default=False)
    asserting: Annotated[str, AfterValidator(_assert)] = Field(default="", validate_default=False)
    custom: Annotated[str, AfterValidator(_custom)] = Field(default="", validate_default=False)
    buggy: Annotated[str, AfterValidator(_bug)] = Field(default="", validate_default=False)
    host: str = ""

    @field_validator("host")
    @classmethod
    def _part_of_value(cls, value: str) -> str:
        if "//" in value:
            raise ValueError(f"the host is {value.split('//')[1]}, give a name")
        return value

    @model_validator(mode="after")
    def _whole_model(self) -> "Zoo":
        if self.secret is not None and self.whole:
            raise ValueError(f"{self.secret.get_secret_value()} and {self.whole} do not go together")
        return self


class ZooConfig(RootConfig):
    zoo: Zoo = Field(default_factory=Zoo)


def _fail(package: str, config_class: type[RootConfig] = ZooConfig, **arguments: Any) -> ConfigBuilderError:
    alone: dict[str, Any] = {"environ": {}, "env_file": None, "secrets_dir": None}
    with pytest.raises(ConfigBuilderError) as raised:
        load_config(package_name=package, config_class=config_class, **(alone | arguments))
    return raised.value


def test_every_mistake_of_every_source_is_in_one_message(make_package: MakePackage, tmp_path: Path) -> None:
    package = make_package(
        {
            "application.yaml": APPLICATION.replace("environment: development", "environment: prodution")
            + "server:\n  port: ${PORT}\n  workers: two\nservr: {port: 1}\nstore:\n  mode: sfae\n  databse: x\n"
        }
    )
    (tmp_path / "external.yaml").write_text("logging:\n  - {name: root, level: wanring}\nlogging_mode: xml\n")

    error = _fail(
        package,
        sections={"store": Store},
        environ={"APP__SERVR__PORT": "1", "APP__SERVER__GRACE_SECOND": "1", "APP__DOCS__ENABLED": "perhaps"},
        external_file=tmp_path / "external.yaml",
    )

    assert isinstance(error, FastAPIFactoryUtilitiesError)
    assert str(error).replace(str(tmp_path), "TMP").replace(package, "my_service") == ("""\
The configuration of my_service has 13 mistakes; nothing was started.
  1. application.yaml:8:9 [server.port]: the variable PORT is not set
     set PORT, or give a default: ${PORT:...}
  2. application.yaml:6:16 [application.environment]: must be one of 'development', 'staging' or 'production'
     did you mean production?
  3. application.yaml:9:12 [server.workers]: must be a whole number
  4. env APP__SERVER__GRACE_SECOND [server.grace_second]: is not a known key
     did you mean APP__SERVER__GRACE_SECONDS?
  5. env APP__DOCS__ENABLED [docs.enabled]: must be true or false
  6. TMP/external.yaml:2:25 [logging[0].level]: must be one of 'critical', 'error', 'warning', 'info', 'debug', 'notset'
     did you mean warning?
  7. TMP/external.yaml:3:15 [logging_mode]: must be one of 'console' or 'json'
  8. application.yaml:11:1 [store.uri]: is missing
     add it to application.yaml:
       store:
         uri: mongodb://localhost:27017
     or set APP__STORE__URI
  9. application.yaml:12:9 [store.mode]: must be one of 'fast' or 'safe'
     did you mean safe?
 10. application.yaml:11:1 [store.limit]: is missing
     add it to application.yaml:
       store:
         limit: <number>
     or set APP__STORE__LIMIT
 11. application.yaml:13:3 [store.databse]: is not a known key
     did you mean database?
 12. application.yaml:10:1 [servr]: is not a known key
     did you mean server?
 13. env APP__SERVR__PORT [servr]: is not a known key
     did you mean APP__SERVER__PORT?""")
    assert len(error.problems) == 13
    assert error.problems[2].path == "server.workers"
    assert error.fields["problems"] == error.problems


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("server: {port: 99999}", "application.yaml:7:16 [server.port]: must be 65535 or less"),
        ("server: {port: -1}", "must be 0 or more"),
        ("server: {port: 1.5}", "must be a whole number"),
        ("server: {grace_seconds: 0}", "must be greater than 0"),
        ("server: {grace_seconds: 3}", "application.yaml:7:1 [server]: drain_seconds must be less than grace_seconds"),
        ("server: text", "application.yaml:7:9 [server]: must be a mapping with keys\nwrite `key: value` lines"),
        ("server: [1]", "application.yaml:7:1 [server]: must be a mapping with keys"),
        ("logging: {a: b}", "application.yaml:7:1 [logging]: must be a list"),
        ("logging: text", "application.yaml:7:10 [logging]: must be a list\nwrite `- item` lines under the key"),
        ("logging: [{name: root}]", "[logging[0].level]: is missing\nadd it to the entry:\n  level: <number>"),
        ("zoo: {short: 12}", "[zoo.short]: must be text\nput it in quotes"),
        ("zoo: {short: yes}", "[zoo.short]: must be text\nput it in quotes"),
        ("zoo: {short: }", "[zoo.short]: must be text\ngive it a value"),
        ("zoo: {whole: }", "[zoo.whole]: must be a whole number\ngive it a value, or remove the key"),
        ("zoo: {few: [1, 2, 3]}", "[zoo.few]: must have at most 1 items"),
        ("zoo: {few: [x]}", "application.yaml:7:13 [zoo.few[0]]: must be a whole number"),
        ("zoo: {table: {a: x}}", "application.yaml:7:18 [zoo.table.a]: must be a whole number"),
        ("zoo: {either: x}", "application.yaml:7:15 [zoo.either]: must be a whole number or a list"),
        ("zoo: {pet: {kind: fish}}", "[zoo.pet]: has another 'kind' than 'cat', 'dog'"),
        ("zoo: {pet: {lives: 9}}", "[zoo.pet]: has no 'kind', which says what it is"),
        ("zoo: {pet: {kind: cat}}", "[zoo.pet.lives]: is missing"),
        ("zoo: {dsn: 'http://x'}", "[zoo.dsn]: must begin with 'mongodb' or 'mongodb+srv' and ://"),
        ("workers: 2", "[workers]: is not a known key\nit is a key of server: write it there"),
        ("zoo: {xyzzy: 2}", "[zoo.xyzzy]: is not a known key\nremove it"),
        ("docs: {xyzzy: 2}", "[docs.xyzzy]: is not a known key\nremove it; known are enabled"),
        ("rabbit: {}", "[rabbit]: is not a known key\nremove it, or add the plugin whose section it is to the builder"),
        (
            "dependencies: {http: {mail: {limit: 1}}}",
            """\
application.yaml:7:23 [dependencies.http.mail.url]: is missing
add it to application.yaml:
  dependencies:
    http:
      mail:
        url: <text>
or set APP__DEPENDENCIES__HTTP__MAIL__URL""",
        ),
    ],
)
def test_a_mistake_is_told_where_it_is_with_what_to_do(text: str, expected: str, make_package: MakePackage) -> None:
    error = _fail(make_package({"application.yaml": f"{APPLICATION}{text}\n"}))

    (problem,) = error.problems
    assert expected in str(problem)


def test_a_required_section_that_is_absent_is_told_key_by_key() -> None:
    error = _fail("")

    assert [problem.path for problem in error.problems] == [
        f"application.{key}" for key in ("service_namespace", "service_name", "description", "version", "environment")
    ]
    assert "environment: <development or staging or production>" in str(error)
    assert "or set APP__APPLICATION__ENVIRONMENT" in str(error)


def test_a_value_of_a_placeholder_names_the_variable(make_package: MakePackage) -> None:
    package = make_package({"application.yaml": APPLICATION + "server: {port: '${A}${B:0}'}\n"})

    error = _fail(package, environ={"A": "x"})

    assert str(error.problems[0]).startswith("application.yaml:7:16 ${A} ${B} [server.port]: must be a whole number")


def test_a_variable_for_a_list_is_told_to_be_json() -> None:
    error = _fail("", environ={"APP__CORS__ALLOW_ORIGINS": "https://a.example"})

    assert "env APP__CORS__ALLOW_ORIGINS [cors.allow_origins]: must be a list\n" in str(error)
    assert 'write it as JSON: ["a", "b"]' in str(error)


def test_a_file_that_cannot_be_read_hides_no_mistake_of_others_and_causes_none(make_package: MakePackage) -> None:
    error = _fail(
        make_package({"application.yaml": "application: {\n"}),
        sections={"store": Store},
        environ={"APP__SERVER__PORT": "x"},
    )

    assert [str(problem.origin) for problem in error.problems] == ["application.yaml:2:1", "env APP__SERVER__PORT"]


def test_a_variable_that_is_not_set_hides_no_other_mistake_of_its_section(make_package: MakePackage) -> None:
    package = make_package({"application.yaml": APPLICATION + "store: {uri: '${NO}', limit: x, more: 1}\n"})

    error = _fail(package, sections={"store": Store})

    assert [problem.path for problem in error.problems] == ["store.uri", "store.mode", "store.limit", "store.more"]


def test_a_missing_variable_is_not_called_a_missing_key_too(make_package: MakePackage) -> None:
    package = make_package({"application.yaml": APPLICATION + "zoo: {few: ['${A}', '${B}'], secret: '${A}${C}'}\n"})

    error = _fail(package)

    assert [problem.message for problem in error.problems] == [
        "the variable A is not set",
        "the variable B is not set",
        "the variable A is not set",
        "the variable C is not set",
    ]


def test_one_broken_section_does_not_make_another_follow(make_package: MakePackage) -> None:
    """`logging_mode` takes its default from `application`: no complaint about it when that is wrong."""
    error = _fail(make_package({"application.yaml": APPLICATION.replace("development", "nowhere")}))

    assert [problem.path for problem in error.problems] == ["application.environment"]


def test_countless_mistakes_are_counted_and_not_all_told(make_package: MakePackage) -> None:
    text = "zoo:\n  table:\n" + "".join(f"    k{number}: x\n" for number in range(300))

    error = _fail(make_package({"application.yaml": APPLICATION + text}))

    assert len(error.problems) == 300
    assert "has 300 mistakes" in str(error)
    assert str(error).endswith("... and 200 more")
    assert len(str(error).splitlines()) == 102


def test_strange_keys_are_told_in_one_short_line(make_package: MakePackage) -> None:
    package = make_package({"application.yaml": APPLICATION + f'zoo:\n  "a\\nb\\e[31m{"x" * 500}": 1\n'})

    error = _fail(package)

    assert all(line.isprintable() and len(line) < 200 for line in str(error).splitlines())


def test_the_error_can_go_to_another_process() -> None:
    error = _fail("")

    again = pickle.loads(pickle.dumps(error))  # noqa: S301 - made one line above

    assert str(again) == str(error)
    assert again.problems == error.problems


CANARY = "Kanarienvogel7731"


@pytest.mark.parametrize(
    ("key", "value"),
    [
        ("whole", CANARY),
        ("whole", f"1{CANARY}"),
        ("ratio", CANARY),
        ("exact", CANARY),
        ("flag", CANARY),
        ("day", f"2024-{CANARY}"),
        ("moment", f"2024-05-31T{CANARY}"),
        ("clock", CANARY),
        ("pause", f"P{CANARY}"),
        ("uuid", CANARY),
        ("url", f"http://[{CANARY}"),
        ("url", CANARY),
        ("url", f"{CANARY}://user:{CANARY}@host"),
        ("dsn", f"http://user:{CANARY}@host"),
        ("dsn", f"mongodb://user:{CANARY}@host:port"),
        ("either", CANARY),
        ("pattern", CANARY),
        ("short", CANARY),
        ("choice", CANARY),
        ("shouting", CANARY),
        ("asserting", CANARY),
        ("custom", CANARY),
        ("buggy", CANARY),
        ("host", f"http://{CANARY}/x"),
        ("host", f"//%4b%61narienvogel7731 and {CANARY}"),
        ("pet", f"{{kind: {CANARY}}}"),
        ("pet", CANARY),
        ("table", CANARY),
        ("table", f"{{a: {CANARY}}}"),
        ("few", f"[{CANARY}]"),
        ("few", CANARY),
        ("secret", f"[{CANARY}]"),
        ("secret", f"{CANARY}\n  whole: 5"),
        ("unknown", CANARY),
        ("whole", f"${{X:{CANARY}}}"),
        ("whole", f"${{{CANARY}-}}"),
    ],
)
@pytest.mark.parametrize("source", ["yaml", "env", "placeholder", "code"])
def test_no_value_is_told(key: str, value: str, source: str, make_package: MakePackage) -> None:
    arguments: dict[str, Any] = {}
    if source == "yaml":
        written = value if value[0] in "[{" else f"'{value}'" if "\n" not in value else value
        text = f"zoo:\n  {key}: {written}\n"
    elif source == "placeholder":
        text, arguments["environ"] = f"zoo:\n  whole: 5\n  {key}: ${{VALUE}}\n", {"VALUE": value}
    elif source == "env":
        text, arguments["environ"] = "", {f"APP__ZOO__{key.upper()}": value, "APP__ZOO__WHOLE": "x"}
    else:
        text, arguments["overrides"] = "zoo: {whole: x}", {"zoo": {key: value}}
    if key == "whole":
        text = text.replace("  whole: 5\n", "").replace("zoo: {whole: x}", "")

    error = _fail(make_package({"application.yaml": APPLICATION + text}), **arguments)

    _assert_silent(error)


def _assert_silent(error: ConfigBuilderError) -> None:
    """Nothing that a person, a log or an error tracker would print has the canary."""
    everything = "\n".join([str(error), repr(error), repr(error.problems), repr(error.fields), repr(vars(error))])
    everything += "\n".join(traceback.format_exception(error))
    assert CANARY.lower() not in everything.lower()
    chain: BaseException | None = error
    while chain is not None:
        assert CANARY.lower() not in f"{chain!r} {chain} {vars(chain)}".lower()
        assert chain.__cause__ is None
        chain = chain.__context__
    assert error.__context__ is None


def test_a_traceback_with_local_variables_shows_no_value(make_package: MakePackage, monkeypatch: Any) -> None:
    monkeypatch.setenv("APP__ZOO__WHOLE", CANARY)
    package = make_package({"application.yaml": APPLICATION + f"zoo: {{ratio: {CANARY}, secret: {CANARY}}}\n"})

    try:
        load_config(package_name=package, config_class=ZooConfig, env_file=None, secrets_dir=None)
    except ConfigBuilderError as error:
        told = "".join(traceback.TracebackException.from_exception(error, capture_locals=True).format())
    shown = told.split("load_config(", 1)[1]  # from the call on: this test's own variables hold the value

    assert "settings = Settings(" in shown
    assert CANARY not in shown


def test_a_validator_that_breaks_is_named(make_package: MakePackage) -> None:
    error = _fail(make_package({"application.yaml": APPLICATION + "zoo: {buggy: x}\n"}))

    (problem,) = error.problems
    assert problem.message == "KeyError in _bug, which validates the configuration"
    assert str(problem.origin).startswith("test_building.py:")


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("host: http://server7", "the host is ***, give a name"),
        ("shouting: abc", "cannot use '***' (from ***)"),
        ("custom: abc", "wrong: ***"),
    ],
)
def test_what_a_validator_says_is_shown_without_the_value(text: str, expected: str, make_package: MakePackage) -> None:
    error = _fail(make_package({"application.yaml": f"{APPLICATION}zoo: {{{text}}}\n"}))

    assert error.problems[0].message == expected
