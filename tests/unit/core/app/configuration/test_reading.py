"""Every source has its place in the precedence, and every value remembers its source."""

import zipfile
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import pytest
from pydantic import AliasChoices, Field, SecretStr

from fastapi_factory_utilities.core.app.config import BaseApplicationConfig, EnvironmentEnum, FrozenModel, RootConfig
from fastapi_factory_utilities.core.app.loading import (
    ConfigBuilderError,
    Settings,
    build_config,
    effective,
    load_config,
    read_settings,
)
from fastapi_factory_utilities.core.plugins.config import PluginConfig

MakePackage = Callable[[Mapping[str, str]], str]


class Store(PluginConfig):
    """The section of a plugin."""

    uri: SecretStr
    database: str = "test"
    limit: int = 10


class Cache(PluginConfig):
    """The section of a plugin that needs nothing."""

    enabled: bool = Field(default=True, validation_alias=AliasChoices("enabled", "activate"))
    size: int = 5


class Books(FrozenModel):
    """A section of the application's own."""

    page_size: int = 20
    ratio: float = 0.5
    note: str | None = "none yet"
    tags: tuple[str, ...] = ()
    extra: dict[str, Any] = Field(default_factory=dict)


class AppConfig(RootConfig):
    """The application's model."""

    books: Books = Books()


APPLICATION = """\
application:
  service_namespace: library
  service_name: books
  description: Keeps books.
  version: 0.1.0
  environment: development
"""


class Load:
    """Loads with nothing of this machine: no environment, no `.env`, no secrets."""

    def __call__(self, package: str = "", config_class: type[AppConfig] = AppConfig, **arguments: Any) -> AppConfig:
        return build_config(self.read(package, config_class, **arguments))

    def read(
        self, package: str = "", config_class: type[AppConfig] = AppConfig, **arguments: Any
    ) -> Settings[AppConfig]:
        alone: dict[str, Any] = {"environ": {}, "env_file": None, "secrets_dir": None}
        return read_settings(package_name=package, config_class=config_class, **(alone | arguments))

    def origins(self, package: str = "", **arguments: Any) -> dict[str, str]:
        settings = self.read(package, **arguments)
        return {row.path: str(row.origin) for row in effective(settings, build_config(settings))}


load = Load()


def test_the_packaged_file_is_read(make_package: MakePackage) -> None:
    config = load(make_package({"application.yaml": APPLICATION + "server:\n  port: 9000\nbooks: {page_size: 7}\n"}))

    assert isinstance(config, AppConfig)
    assert config.application.service_name == "books"
    assert config.application.environment is EnvironmentEnum.DEVELOPMENT
    assert config.server.port == 9000
    assert config.books.page_size == 7
    assert config.server.host == "0.0.0.0"  # noqa: S104 - the default


def test_a_package_in_an_archive_has_its_file_too(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with zipfile.ZipFile(tmp_path / "zipped.zip", "w") as archive:
        archive.writestr("zipped_service/__init__.py", "")
        archive.writestr("zipped_service/config/application.yaml", APPLICATION)
        archive.writestr("zipped_service/config/application-development.yaml", "server: {port: 9001}\n")
    monkeypatch.syspath_prepend(tmp_path / "zipped.zip")

    assert load("zipped_service", filename="config/application.yaml").server.port == 9001


def test_another_filename_can_be_chosen(make_package: MakePackage) -> None:
    package = make_package({"conf/books.yml": APPLICATION, "conf/books-development.yml": "server: {port: 9001}\n"})

    assert load(package, filename="conf/books.yml").server.port == 9001


def test_each_source_beats_the_ones_before_it(make_package: MakePackage, tmp_path: Path) -> None:
    def layer(*names: str) -> dict[str, Any]:
        """Sources up to a name; each sets its own `tags` as well, so that all of them are seen to be read."""
        files = {"application.yaml": APPLICATION + "books: {page_size: 1, extra: {packaged: 1}}\n"}
        arguments: dict[str, Any] = {}
        if "special" in names:
            files["application-development.yaml"] = "books: {page_size: 2, extra: {special: 1}}\n"
        if "external" in names:
            (tmp_path / "external.yaml").write_text("books: {page_size: 3, extra: {external: 1}}\n")
            arguments["external_file"] = tmp_path / "external.yaml"
        if "secret" in names:
            (tmp_path / "secrets").mkdir(exist_ok=True)
            (tmp_path / "secrets" / "app__books__page_size").write_text("4\n")
            arguments["secrets_dir"] = tmp_path / "secrets"
        if "dotenv" in names:
            (tmp_path / "my.env").write_text("APP__BOOKS__PAGE_SIZE=5\n")
            arguments["env_file"] = tmp_path / "my.env"
        if "env" in names:
            arguments["environ"] = {"APP__BOOKS__PAGE_SIZE": "6"}
        if "code" in names:
            arguments["overrides"] = [{"books": {"page_size": 7}}, {"books": {"page_size": 8}}]
        return {"package": make_package(files), **arguments}

    names = ["packaged", "special", "external", "secret", "dotenv", "env", "code"]
    sizes = [load(**layer(*names[:count])).books.page_size for count in range(1, 8)]
    origins = [load.origins(**layer(*names[:count]))["books.page_size"] for count in range(1, 8)]

    assert sizes == [1, 2, 3, 4, 5, 6, 8]
    assert load(**layer(*names)).books.extra == {"packaged": 1, "special": 1, "external": 1}
    assert origins == [
        "application.yaml:7:20",
        "application-development.yaml:1:20",
        f"{tmp_path / 'external.yaml'}:1:20",
        f"secret {tmp_path / 'secrets' / 'app__books__page_size'}",
        f"{tmp_path / 'my.env'}:1 APP__BOOKS__PAGE_SIZE",
        "env APP__BOOKS__PAGE_SIZE",
        "add_config()",
    ]


def test_no_file_at_all_is_fine_when_other_sources_give_everything(make_package: MakePackage) -> None:
    environ = {
        "APP__APPLICATION__SERVICE_NAMESPACE": "library",
        "APP__APPLICATION__SERVICE_NAME": "books",
        "APP__APPLICATION__DESCRIPTION": "Keeps books.",
        "APP__APPLICATION__VERSION": "0.1.0",
        "APP__APPLICATION__ENVIRONMENT": "production",
    }

    assert load(make_package({}), environ=environ).application.environment is EnvironmentEnum.PRODUCTION
    assert load("", environ=environ).application.version == "0.1.0"


@pytest.mark.parametrize("way", ["environment", "placeholder", "dotenv", "external", "code"])
def test_any_source_can_choose_the_environment_and_with_it_a_file(
    way: str, make_package: MakePackage, tmp_path: Path
) -> None:
    package = make_package(
        {
            "application.yaml": APPLICATION.replace("environment: development", "environment: ${ENV:development}"),
            "application-staging.yaml": "server: {port: 9002}\n",
        }
    )
    (tmp_path / "my.env").write_text("APP__APPLICATION__ENVIRONMENT=staging")
    (tmp_path / "external.yaml").write_text("application: {environment: staging}")
    arguments: dict[str, dict[str, Any]] = {
        "environment": {"environ": {"APP__APPLICATION__ENVIRONMENT": "staging"}},
        "placeholder": {"environ": {"ENV": "staging"}},
        "dotenv": {"env_file": tmp_path / "my.env"},
        "external": {"external_file": tmp_path / "external.yaml"},
        "code": {"overrides": {"application": {"environment": EnvironmentEnum.STAGING}}},
    }

    assert load(package).server.port == 8000
    assert load(package, **arguments[way]).server.port == 9002


def test_the_models_default_can_choose_the_environment(make_package: MakePackage) -> None:
    class Application(BaseApplicationConfig):
        environment: EnvironmentEnum = EnvironmentEnum.STAGING

    class Staged(AppConfig):
        application: Application

    package = make_package(
        {
            "application.yaml": APPLICATION.replace("  environment: development\n", ""),
            "application-staging.yaml": "server: {port: 9002}\n",
        }
    )

    assert load(package, Staged).server.port == 9002


def test_a_file_of_an_environment_cannot_choose_another(make_package: MakePackage) -> None:
    package = make_package(
        {"application.yaml": APPLICATION, "application-development.yaml": "application: {environment: production}\n"}
    )

    with pytest.raises(ConfigBuilderError, match="chooses another environment"):
        load(package)


def test_an_environment_that_is_no_name_reads_no_file(make_package: MakePackage) -> None:
    package = make_package({"application.yaml": APPLICATION, "application-../x.yaml": "server: {port: 1}"})

    with pytest.raises(ConfigBuilderError) as raised:
        load(package, environ={"APP__APPLICATION__ENVIRONMENT": "../x"})

    assert [problem.path for problem in raised.value.problems] == ["application.environment"]


def test_a_variable_names_the_external_file_and_the_argument_beats_it(
    make_package: MakePackage, tmp_path: Path
) -> None:
    package = make_package({"application.yaml": APPLICATION})
    for port in (9003, 9004):
        (tmp_path / f"{port}.yaml").write_text(f"server: {{port: {port}}}\n")
    (tmp_path / "my.env").write_text(f"APP_CONFIG_FILE={tmp_path / '9004.yaml'}\n")
    environ = {"APP_CONFIG_FILE": str(tmp_path / "9003.yaml")}

    assert load(package, environ=environ).server.port == 9003
    assert load(package, env_file=tmp_path / "my.env").server.port == 9004
    assert load(package, environ=environ, external_file=tmp_path / "9004.yaml").server.port == 9004


def test_the_prefix_belongs_to_the_class(make_package: MakePackage, tmp_path: Path) -> None:
    class Prefixed(AppConfig):
        ENV_PREFIX = "BOOKS"

    (tmp_path / "external.yaml").write_text("server: {host: localhost}\n")
    environ = {
        "BOOKS__SERVER__PORT": "9005",
        "APP__SERVER__PORT": "1",
        "APP__NONSENSE": "1",
        "BOOKS_CONFIG_FILE": str(tmp_path / "external.yaml"),
    }
    config = load(make_package({"application.yaml": APPLICATION}), Prefixed, environ=environ)

    assert (config.server.port, config.server.host) == (9005, "localhost")


@pytest.mark.parametrize(
    ("argument", "message"),
    [
        ({"external_file": Path("nowhere.yaml")}, "nowhere.yaml: the configuration file is not there"),
        ({"environ": {"APP_CONFIG_FILE": "/no/where"}}, "env APP_CONFIG_FILE: the configuration file is not there"),
        ({"external_file": Path("/")}, "/: the configuration file is not there"),
        ({"external_file": Path("~nobody-of-this-name/x")}, "the configuration file is not there"),
        ({"env_file": Path("no.env")}, "no.env: the env file is not there"),
        ({"secrets_dir": Path("no-secrets")}, "no-secrets: the secrets directory is not there"),
        ({"package": "no_such_package_anywhere"}, "PACKAGE_NAME no_such_package_anywhere: there is no such package"),
        ({"package": "json.no_such_module"}, "there is no such package"),
        ({"package": "..."}, "there is no such package"),
    ],
)
def test_a_named_source_that_is_not_there_is_a_mistake(argument: dict[str, Any], message: str) -> None:
    with pytest.raises(ConfigBuilderError) as raised:
        load(**argument)

    (problem,) = raised.value.problems  # and not that everything is missing
    assert message in str(problem)


def test_a_package_that_cannot_import_something_says_so_itself(
    make_package: MakePackage, monkeypatch: pytest.MonkeyPatch
) -> None:
    package = make_package({"__init__.py": "import no_such_dependency\n"})

    with pytest.raises(ModuleNotFoundError, match="no_such_dependency"):
        load(package)


def test_defaults_need_no_env_file_and_no_secrets(
    make_package: MakePackage, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    package = make_package({"application.yaml": APPLICATION})

    assert load_config(package_name=package, config_class=AppConfig, environ={}).server.port == 8000
    (tmp_path / ".env").write_text("# comment\n\nexport APP__SERVER__PORT='9006'\n")
    settings = read_settings(package_name=package, config_class=AppConfig, environ={})
    rows = {row.path: str(row.origin) for row in effective(settings, build_config(settings))}
    assert rows["server.port"] == ".env:3 APP__SERVER__PORT"
    assert settings.sources == ("application.yaml", ".env")


def test_the_environment_of_the_process_is_the_default(
    make_package: MakePackage, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("APP__SERVER__PORT", "9007")
    package = make_package({"application.yaml": APPLICATION})

    config = load_config(package_name=package, config_class=AppConfig, env_file=None, secrets_dir=None)

    assert config.server.port == 9007


def test_a_line_of_an_env_file_that_is_no_assignment_is_told(make_package: MakePackage, tmp_path: Path) -> None:
    (tmp_path / "my.env").write_text("A=1\nAPP__SERVER__PORT='geheim\n")

    with pytest.raises(ConfigBuilderError) as raised:
        load(make_package({"application.yaml": APPLICATION}), env_file=tmp_path / "my.env")

    (problem,) = raised.value.problems
    assert str(problem).startswith(f"{tmp_path / 'my.env'}:2: a line that is not NAME=value")
    assert "geheim" not in str(raised.value)


def test_placeholders_are_looked_up_in_environment_then_env_file_then_secrets(
    make_package: MakePackage, tmp_path: Path
) -> None:
    package = make_package({"application.yaml": APPLICATION + "books: {note: '${A}-${B}-${C}-${D:d}'}\n"})
    (tmp_path / "my.env").write_text("A=dotenv\nB=dotenv\n")
    (tmp_path / "secrets").mkdir()
    for name in "ABC":
        (tmp_path / "secrets" / name).write_text("secret\n")

    config = load(package, environ={"A": "env"}, env_file=tmp_path / "my.env", secrets_dir=tmp_path / "secrets")

    assert config.books.note == "env-dotenv-secret-d"


def test_secrets_of_others_are_not_read(make_package: MakePackage, tmp_path: Path) -> None:
    (tmp_path / "secrets" / "folder").mkdir(parents=True)
    (tmp_path / "secrets" / "key.p12").write_bytes(b"\xff\xfe\x00")
    (tmp_path / "secrets" / "APP__BOOKS__NOTE").write_text("two\nlines \r\n")

    config = load(make_package({"application.yaml": APPLICATION}), secrets_dir=tmp_path / "secrets")

    assert config.books.note == "two\nlines "


def test_a_secret_that_is_not_text_is_told(make_package: MakePackage, tmp_path: Path) -> None:
    (tmp_path / "APP__BOOKS__NOTE").write_bytes(b"\xff\xfe")

    with pytest.raises(ConfigBuilderError, match="APP__BOOKS__NOTE: not UTF-8"):
        load(make_package({"application.yaml": APPLICATION}), secrets_dir=tmp_path)


@pytest.mark.parametrize(
    ("written", "value", "expected"),
    [
        ("page_size: ${X}", "42", {"page_size": 42}),
        ("page_size: ${X:42}", None, {"page_size": 42}),
        ("ratio: ${X}", "1.5", {"ratio": 1.5}),
        ("ratio: ${X}", "1e3", {"ratio": 1000.0}),
        ("note: ${X}", "0123", {"note": "0123"}),
        ("note: ${X}", "no", {"note": "no"}),
        ("note: ${X}", "1e5", {"note": "1e5"}),
        ("note: ${X}", "null", {"note": None}),
        ("note: '${X}'", "null", {"note": "null"}),
        ("note: a${X}", "null", {"note": "anull"}),
        ("extra: {x: '${X}', y: '${X}'}", "8000", {"extra": {"x": "8000", "y": "8000"}}),
        ('extra:\n    x: ${X}\n    y: "${X}"', "8000", {"extra": {"x": 8000, "y": "8000"}}),
        ("extra:\n    x: ${X}", "true", {"extra": {"x": True}}),
        ("extra:\n    x: ${X}", "~", {"extra": {"x": None}}),
        ("extra:\n    x: ${X}", "2024-99-99", {"extra": {"x": "2024-99-99"}}),
        ("extra:\n    x: ${X}", "[1, 2]", {"extra": {"x": "[1, 2]"}}),
        ("extra:\n    x: ${X}", "a: b", {"extra": {"x": "a: b"}}),
        ("extra:\n    x: ${X}", "*a", {"extra": {"x": "*a"}}),
        ("extra:\n    x: ${X}", "!!python/name:os.system", {"extra": {"x": "!!python/name:os.system"}}),
        ("extra:\n    x: ${X}", "1\ny: 2", {"extra": {"x": "1\ny: 2"}}),
        ("extra:\n    x: ${X}", "${HOME}", {"extra": {"x": "${HOME}"}}),
        ("extra:\n    x: ${X} # comment", "1 # 2", {"extra": {"x": "1 # 2"}}),
        ("tags: ['${X}', b]", "a", {"tags": ("a", "b")}),
    ],
)
def test_a_placeholder_is_a_value_of_its_place_and_never_structure(
    written: str, value: str | None, expected: dict[str, Any], make_package: MakePackage
) -> None:
    package = make_package({"application.yaml": f"{APPLICATION}books:\n  {written}\n"})

    books = load(package, environ={} if value is None else {"X": value}).books

    assert {key: getattr(books, key) for key in expected} == expected


def test_a_placeholder_that_was_overridden_needs_no_variable(make_package: MakePackage) -> None:
    package = make_package({"application.yaml": APPLICATION + "books: {note: '${NOT_SET}'}\n"})

    assert load(package, environ={"APP__BOOKS__NOTE": "given"}).books.note == "given"


def test_a_section_without_keys_is_an_empty_section(make_package: MakePackage) -> None:
    package = make_package({"application.yaml": APPLICATION + "server:\nlogging:\ndependencies:\n  http:\nstore:\n"})

    config = load(package, sections={"store": Cache})

    assert config.server.port == 8000
    assert config.logging == ()


# Sections of plugins


def test_a_plugins_section_becomes_a_field(make_package: MakePackage) -> None:
    package = make_package({"application.yaml": APPLICATION + "store: {uri: 'mongodb://x', limit: 3}\n"})

    config: Any = load(package, sections={"store": Store, "cache": Cache})

    assert isinstance(config.store, Store)
    assert (config.store.uri.get_secret_value(), config.store.limit) == ("mongodb://x", 3)
    assert config.cache == Cache()


@pytest.mark.parametrize("value", ["false", "no", "off", "'0'", "0", "'False'", "${OFF:no}", "${OFF:0}"])
def test_a_disabled_plugin_needs_no_other_key_and_no_valid_one(value: str, make_package: MakePackage) -> None:
    text = f"store:\n  enabled: {value}\n  limit: not a number\n  unknown: 1\n  database: ${{NOT_SET}}\n"
    config: Any = load(make_package({"application.yaml": APPLICATION + text}), sections={"store": Store})

    assert isinstance(config.store, Store)
    assert config.store.enabled is False
    assert config.store.limit == 10


@pytest.mark.parametrize("value", ["false", "FALSE", "0", "no", "off"])
def test_the_environment_can_disable_a_plugin(value: str, make_package: MakePackage) -> None:
    package = make_package({"application.yaml": APPLICATION + "store: {uri: x}\n"})

    config: Any = load(package, sections={"store": Store}, environ={"APP__STORE__ENABLED": value})

    assert config.store.enabled is False


def test_a_disabled_plugin_can_be_enabled_above(make_package: MakePackage) -> None:
    package = make_package({"application.yaml": APPLICATION + "store: {enabled: false, uri: x}\n"})

    config: Any = load(package, sections={"store": Store}, environ={"APP__STORE__ENABLED": "true"})

    assert config.store.enabled is True
    assert config.store.uri.get_secret_value() == "x"


def test_a_switch_of_another_name_switches_too(make_package: MakePackage) -> None:
    package = make_package({"application.yaml": APPLICATION + "cache: {activate: false, size: x}\n"})

    config: Any = load(package, sections={"cache": Cache})

    assert config.cache.enabled is False


def test_a_switch_that_is_neither_true_nor_false_is_a_mistake(make_package: MakePackage) -> None:
    package = make_package({"application.yaml": APPLICATION + "store: {enabled: maybe, uri: x}\n"})

    with pytest.raises(ConfigBuilderError, match=r"\[store.enabled\]: must be true or false"):
        load(package, sections={"store": Store})


def test_the_section_of_a_plugin_that_is_left_out_is_tolerated_when_told_so(make_package: MakePackage) -> None:
    text = APPLICATION + "store: {uri: '${NOT_SET}', nonsense: 1}\n"
    package = make_package({"application.yaml": text})

    config = load(package, tolerated_sections={"store"}, environ={"APP__STORE__MORE": "1"})

    assert not hasattr(config, "store")
    with pytest.raises(ConfigBuilderError, match=r"\[store\]: is not a known key"):
        load(package)


def test_an_application_may_declare_a_plugins_section_itself(make_package: MakePackage) -> None:
    class MyStore(Store):
        shelf: str = "upper"

    class Declaring(AppConfig):
        store: MyStore

    package = make_package({"application.yaml": APPLICATION + "store: {uri: x, shelf: lower}\n"})

    config = load(package, Declaring, sections={"store": Store}, tolerated_sections={"store"})

    assert isinstance(config, Declaring)
    assert config.store.shelf == "lower"


def test_an_application_that_declares_it_as_something_else_is_told(make_package: MakePackage) -> None:
    class Declaring(AppConfig):
        store: Books = Books()

    with pytest.raises(ConfigBuilderError) as raised:
        load(make_package({"application.yaml": APPLICATION}), Declaring, sections={"store": Store})

    assert "class Declaring [store]: the field has the name of a plugin's section and is no Store" in str(raised.value)


# Code


def test_of_a_configuration_object_only_the_given_fields_count(make_package: MakePackage) -> None:
    package = make_package({"application.yaml": APPLICATION + "server: {port: 9000, host: localhost}\n"})
    given = AppConfig.model_validate(
        {
            "application": {
                "service_namespace": "n",
                "service_name": "from code",
                "description": "d",
                "version": "1",
                "environment": "staging",
            },
            "server": {"port": 9999},
        }
    )

    config = load(package, overrides=given)

    assert config.application.service_name == "from code"
    assert (config.server.port, config.server.host) == (9999, "localhost")
    assert load.origins(package, overrides=given)["server.port"] == "add_config()"


def test_code_may_give_objects(make_package: MakePackage) -> None:
    package = make_package({"application.yaml": APPLICATION})

    config: Any = load(
        package,
        sections={"store": Store},
        overrides={"store": Store(uri=SecretStr("x"), limit=4), "books": Books(tags=("a",))},
    )

    assert (config.store.uri.get_secret_value(), config.store.limit, config.books.tags) == ("x", 4, ("a",))


def test_code_that_gives_an_endless_mapping_is_told(make_package: MakePackage) -> None:
    endless: dict[str, Any] = {}
    endless["books"] = endless

    with pytest.raises(ConfigBuilderError, match="a mapping that contains itself"):
        load(make_package({"application.yaml": APPLICATION}), overrides=endless)


def test_reading_twice_gives_independent_and_equal_configurations(make_package: MakePackage) -> None:
    package = make_package({"application.yaml": APPLICATION})

    first, second = load(package), load(package)

    assert first == second
    assert first is not second
