"""Deliberately broken set-ups: one message each with what, where, what to do; status 2; no value, no traceback."""

import socket
import subprocess
import sys
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

import pytest

from fastapi_factory_utilities.cli import main

CANARY = "hunter2canary"

GOOD = """\
application:
  service_namespace: tests
  service_name: sample
  description: A sample.
  version: 1.0.0
  environment: production
"""

MODULE = """\
from fastapi_factory_utilities.core.app import ApplicationAbstract, ApplicationGenericBuilder, RootConfig


class App(ApplicationAbstract[RootConfig]):
    PACKAGE_NAME = "{package}"


class AppBuilder(ApplicationGenericBuilder[App]):
    pass
"""

ODM_MODULE = MODULE + """\
    def get_default_plugins(self):
        from fastapi_factory_utilities.core.plugins.odm_plugin import ODMPlugin

        return [ODMPlugin()]
"""


@dataclass(frozen=True)
class Case:
    """One broken set-up and what its message must say."""

    name: str
    says: tuple[str, ...]
    more: str = ""
    yaml: str | bytes | None = None
    module: str = MODULE
    environment: Mapping[str, str] = field(default_factory=dict)
    files: Mapping[str, str] = field(default_factory=dict)
    target: str = "{package}.app:AppBuilder"
    arguments: tuple[str, ...] = ()


def yaml(name: str, more: str, *says: str, where: str = "") -> Case:
    """A mistake in application.yaml, by default in the line after the good ones."""
    return Case(name, (where or "application.yaml:", *says), more=more)


def env(name: str, variable: str, value: str, *says: str) -> Case:
    """A mistake in an environment variable."""
    return Case(name, (f"env {variable}", *says), environment={variable: value})


def odm(name: str, more: str, *says: str) -> Case:
    """A mistake in the section of MongoDB."""
    return Case(name, says, more=more, module=ODM_MODULE)


BOMB = "x0: &x0 [a, a, a, a, a, a, a, a, a]\n" + "".join(
    f"x{n}: &x{n} [{', '.join([f'*x{n - 1}'] * 9)}]\n" for n in range(1, 10)
)

CASES = [
    # wrong values
    yaml("port is text", f"server:\n  port: {CANARY}\n", "application.yaml:8:9", "server.port", "whole number"),
    yaml("port out of range", "server:\n  port: 70000\n", "application.yaml:8:9", "server.port", "65535"),
    yaml("no workers", "server:\n  workers: 0\n", "application.yaml:8:12", "server.workers", "1"),
    yaml("workers is text", f"server:\n  workers: {CANARY}\n", "application.yaml:8:12", "server.workers"),
    yaml("negative drain", "server:\n  drain_seconds: -1\n", "application.yaml:8:18", "server.drain_seconds", "0"),
    yaml("drain outlasts grace", "server:\n  drain_seconds: 9\n  grace_seconds: 3\n", "drain_seconds", "grace_seconds"),
    yaml("cors credentials for all", 'cors:\n  allow_origins: ["*"]\n  allow_credentials: true\n', "allow_credentials"),
    yaml("cors origins of a wrong type", "cors:\n  allow_origins:\n    a: 1\n", "cors.allow_origins"),
    yaml("log level that is none", f"logging:\n  - name: root\n    level: {CANARY}\n", "logging", "level"),
    yaml("log levels that are no list", "logging: loud\n", "application.yaml:7:10", "logging", "list"),
    yaml("logging mode that is none", f"logging_mode: {CANARY}\n", "application.yaml:7:15", "console", "json"),
    yaml("negative stall", "liveness:\n  max_stall_seconds: -3\n", "liveness.max_stall_seconds"),
    yaml("docs neither on nor off", f"docs:\n  enabled: {CANARY}\n", "application.yaml:8:12", "docs.enabled"),
    yaml("debug neither on nor off", f"development:\n  debug: {CANARY}\n", "development.debug"),
    yaml(
        "certificate that is not there",
        "server:\n  ssl_certfile: /nowhere/cert.pem\n  ssl_keyfile: /nowhere/key.pem\n",
        "ssl_certfile",
    ),
    yaml("key without certificate", "server:\n  ssl_keyfile: /nowhere/key.pem\n", "ssl_"),
    yaml("dependency without url", "dependencies:\n  http:\n    other: {}\n", "dependencies.http.other.url"),
    yaml("dependency with a bad url", f"dependencies:\n  http:\n    other:\n      url: '{CANARY}'\n", "http.other.url"),
    yaml(
        "dependency with an unknown key",
        "dependencies:\n  http:\n    other:\n      url: http://x\n      limits: 3\n",
        "limits",
        "limit",
    ),
    yaml("a section that is a scalar", f"server: {CANARY}\n", "application.yaml:7:9", "server"),
    # unknown names
    yaml("unknown key", f"server:\n  prot: {CANARY}\n", "application.yaml:8:3", "prot", "did you mean", "port"),
    yaml("unknown section", "servr:\n  port: 1\n", "application.yaml:7:1", "servr", "did you mean", "server"),
    # what is missing
    Case("no application section", ("application", "missing"), yaml="server:\n  port: 1\n"),
    Case(
        "no configuration file",
        ("application.yml", "no such file in the package {package}"),
        module=MODULE.replace('"{package}"', '"{package}"\n    CONFIG_FILENAME = "application.yml"'),
    ),
    Case("no service name", ("application.service_name",), yaml=GOOD.replace("  service_name: sample\n", "")),
    Case(
        "environment that is none",
        ("application.yaml:6:16", "development", "production"),
        yaml=GOOD.replace("production", CANARY),
    ),
    yaml("missing variable", "server:\n  port: ${NO_SUCH_PORT}\n", "application.yaml:8:9", "NO_SUCH_PORT"),
    yaml(
        "two missing variables",
        "server:\n  port: ${NO_SUCH_PORT}\n  host: ${NO_SUCH_HOST}\n",
        "NO_SUCH_PORT",
        "NO_SUCH_HOST",
    ),
    # hostile or broken YAML
    yaml("duplicate key", f"server:\n  port: 1\n  port: {CANARY}\n", "application.yaml:9:3", "port"),
    yaml("tab", "server:\n\tport: 1\n", "application.yaml:8:1", "tab"),
    yaml("broken syntax", "server: [1, 2\n", "application.yaml"),
    yaml("two documents", "---\nserver: {}\n", "application.yaml:7", "document"),
    yaml("python tag", f"server: !!python/object/apply:os.system ['{CANARY}']\n", "application.yaml:7:9"),
    yaml("alias bomb", BOMB, "alias"),
    yaml("deep nesting", f"server: {'[' * 5000}{']' * 5000}\n", "application.yaml:7"),
    Case("top level is a list", ("application.yaml:1:1",), yaml="- a\n- b\n"),
    Case("file over one MiB", ("application.yaml", "1 MiB"), yaml=GOOD + "# " + "x" * 1_100_000),
    Case("file that is not UTF-8", ("application.yaml", "UTF-8"), yaml=b"application: \xff\xfe\n"),
    # environment and other sources
    env("variable of a wrong type", "APP__SERVER__PORT", CANARY, "server.port"),
    env("variable of an unknown section", "APP__SERVR__PORT", CANARY, "servr", "did you mean APP__SERVER__PORT"),
    env("variable of an unknown key", "APP__SERVER__PROT", CANARY, "server.prot", "did you mean APP__SERVER__PORT"),
    env("variable with broken JSON", "APP__CORS__ALLOW_ORIGINS", f'["{CANARY}', "cors.allow_origins"),
    Case("external file that is not there", ("nowhere.yaml",), arguments=("--config", "nowhere.yaml")),
    Case(
        "external file named by a variable that is not there",
        ("env APP_CONFIG_FILE", "not there"),
        environment={"APP_CONFIG_FILE": "nowhere.yaml"},
    ),
    Case(
        "external file with a mistake",
        ("extra.yaml:2:9", "server.port"),
        arguments=("--config", "extra.yaml"),
        files={"extra.yaml": f"server:\n  port: {CANARY}\n"},
    ),
    Case(
        "file of the environment with a mistake",
        ("application-production.yaml:2:9", "server.port"),
        files={"{package}/application-production.yaml": f"server:\n  port: {CANARY}\n"},
    ),
    Case(
        ".env with a mistake",
        (".env", "APP__SERVER__PORT", "server.port"),
        files={".env": f"APP__SERVER__PORT={CANARY}\n"},
    ),
    Case("command line with a mistake", ("server.port", "65535"), arguments=("--port", "70000")),
    # MongoDB
    odm("no uri", "odm:\n  database: x\n", "odm.uri", "APP__ODM__URI"),
    odm("no section", "", "odm.uri", "APP__ODM__URI"),
    odm(
        "uri of another scheme", f"odm:\n  uri: http://u:{CANARY}@h/\n", "application.yaml:8:8", "odm.uri", "mongodb://"
    ),
    odm("uri without a host", f"odm:\n  uri: mongodb://u:{CANARY}@/\n", "application.yaml:8:8", "odm.uri"),
    odm("uri with an unescaped password", f"odm:\n  uri: mongodb://u:{CANARY}/@@h/\n", "odm.uri"),
    odm(
        "unknown key of a plugin",
        f"odm:\n  uri: mongodb://h\n  databse: {CANARY}\n",
        "application.yaml:9:3",
        "database",
    ),
    odm(
        "timeout is text",
        f"odm:\n  uri: mongodb://h\n  connection_timeout_ms: {CANARY}\n",
        "application.yaml:9:26",
        "odm.connection_timeout_ms",
    ),
    odm(
        "impossible database name",
        "odm:\n  uri: mongodb://h\n  database: 'a b/c'\n",
        "application.yaml:9:13",
        "odm.database",
    ),
    odm("pool upside down", "odm:\n  uri: mongodb://h\n  min_pool_size: 9\n  max_pool_size: 3\n", "pool_size"),
    # code
    Case(
        "two plugins of one name",
        ("ODMPlugin", "once"),
        more="odm:\n  uri: mongodb://h\n",
        module=ODM_MODULE.replace("[ODMPlugin()]", "[ODMPlugin(), ODMPlugin()]"),
    ),
    Case("no such module", ("{package}.application", "cannot find"), target="{package}.application:AppBuilder"),
    Case("no such package", ("nowhere_at_all", "cannot find"), target="nowhere_at_all.app:AppBuilder"),
    Case("no such name", ("AppBuildr", "did you mean", "AppBuilder"), target="{package}.app:AppBuildr"),
    Case("the package and not its module", ("did you mean {package}.app:AppBuilder",), target="{package}:AppBuilder"),
    Case("no name at all", ("package.module:AppBuilder",), target="{package}.app"),
    Case("not a builder", ("is no builder", "ApplicationGenericBuilder"), target="{package}.app:App"),
    Case(
        "module that needs what is missing",
        ("app.py:1", "no_such_dependency"),
        module="import no_such_dependency\n" + MODULE,
    ),
    Case("module that is no Python", ("app.py", "SyntaxError"), module="def :\n" + MODULE),
    Case(
        "builder of nothing",
        ("AppBuilder", "does not know what to build"),
        module=MODULE.replace("ApplicationGenericBuilder[App]", "ApplicationGenericBuilder"),
    ),
    Case("package that is not there", ("nowhere_at_all",), module=MODULE.replace("{package}", "nowhere_at_all")),
    Case(
        "configuration in code with an unknown key",
        ("prot", "port"),
        module=MODULE.replace(
            "    pass\n",
            "    def __init__(self):\n        super().__init__()\n"
            "        self.add_config({{'server': {{'prot': 1}}}})\n",
        )
        .replace("{{", "{")
        .replace("}}", "}"),
    ),
    Case(
        "workers of a builder that cannot travel",
        ("pickled", "top level"),
        arguments=("--workers", "2"),
        module=MODULE.replace(
            "    pass\n", "    def __init__(self):\n        super().__init__()\n" "        self.local = lambda: None\n"
        ),
    ),
    Case("host of another machine", ("192.0.2.1", "server.host"), arguments=("--host", "192.0.2.1", "--port", "0")),
]


@pytest.fixture
def setting_up(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, request: pytest.FixtureRequest) -> str:
    """A package of its own for the test, importable, in a folder of its own."""
    package = f"broken_{abs(hash(request.node.name)):x}"
    (tmp_path / package).mkdir()
    (tmp_path / package / "__init__.py").write_text("")
    monkeypatch.chdir(tmp_path)
    monkeypatch.syspath_prepend(tmp_path)
    return package


def write(case: Case, package: str) -> None:
    content = case.yaml if case.yaml is not None else GOOD + case.more
    folder = Path(package)
    (folder / "application.yaml").write_bytes(content if isinstance(content, bytes) else content.encode())
    (folder / "app.py").write_text(case.module.replace("{package}", package))
    for name, text in case.files.items():
        Path(name.replace("{package}", package)).write_text(text)


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.name)
def test_a_broken_setup_is_told_in_one_message(
    case: Case, setting_up: str, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    write(case, setting_up)
    for variable, value in case.environment.items():
        monkeypatch.setenv(variable, value)
    status = main(["serve", case.target.replace("{package}", setting_up), *case.arguments])
    output = "".join(capfd.readouterr())
    assert status == 2, output
    for words in case.says:
        assert words.replace("{package}", setting_up) in output
    assert CANARY not in output
    assert "Traceback" not in output
    assert len(output.splitlines()) <= 30


def test_there_are_sixty_of_them() -> None:
    assert len(CASES) + 4 >= 60
    assert len({case.name for case in CASES}) == len(CASES)


def test_all_mistakes_of_all_sections_are_in_one_message(
    setting_up: str, capfd: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    more = f"server:\n  port: {CANARY}\nodm:\n  uri: http://{CANARY}\nlogging_mode: {CANARY}\n"
    write(Case("many", (), more=more, module=ODM_MODULE), setting_up)
    monkeypatch.setenv("APP__SERVER__WORKERS", CANARY)
    assert main(["serve", f"{setting_up}.app:AppBuilder"]) == 2
    output = "".join(capfd.readouterr())
    for where in (
        "application.yaml:8:9",
        "application.yaml:10:8",
        "application.yaml:11:15",
        "env APP__SERVER__WORKERS",
    ):
        assert where in output
    assert CANARY not in output


def test_a_port_in_use_is_told(setting_up: str, capfd: pytest.CaptureFixture[str]) -> None:
    write(Case("port", ()), setting_up)
    with socket.socket() as other:
        other.bind(("127.0.0.1", 0))
        other.listen()
        port = str(other.getsockname()[1])
        assert main(["serve", f"{setting_up}.app:AppBuilder", "--host", "127.0.0.1", "--port", port]) == 2
    output = "".join(capfd.readouterr())
    assert f"127.0.0.1:{port}" in output
    assert "in use" in output
    assert "APP__SERVER__PORT" in output
    assert "Traceback" not in output


def test_a_missing_extra_is_told_with_its_install_command(setting_up: str, tmp_path: Path) -> None:
    write(Case("extra", (), more="odm:\n  uri: mongodb://h\n", module=ODM_MODULE), setting_up)
    # An interpreter that cannot find the driver, as after an installation without the extra.
    (tmp_path / "sitecustomize.py").write_text(
        "import sys\n"
        "class Hide:\n"
        "    def find_spec(self, name, path=None, target=None):\n"
        "        if name.split('.')[0] in {'beanie', 'pymongo', 'bson'}:\n"
        "            raise ModuleNotFoundError(f'No module named {name!r}', name=name)\n"
        "sys.meta_path.insert(0, Hide())\n"
    )
    finished = _run(setting_up, tmp_path)
    assert finished.returncode == 2, finished.stderr
    assert "pip install 'fastapi-factory-utilities[mongo]'" in finished.stderr
    assert "Traceback" not in finished.stderr + finished.stdout


def test_a_real_process_ends_with_status_2_and_a_traceback_only_on_request(setting_up: str, tmp_path: Path) -> None:
    write(Case("process", (), more=f"server:\n  port: {CANARY}\n"), setting_up)
    finished = _run(setting_up, tmp_path)
    assert finished.returncode == 2
    assert "application.yaml:8:9" in finished.stderr
    assert "Traceback" not in finished.stderr + finished.stdout
    debugged = _run(setting_up, tmp_path, "--debug")
    assert debugged.returncode == 2
    assert "Traceback" in debugged.stderr
    assert CANARY not in finished.stderr + debugged.stderr


def _run(package: str, folder: Path, *options: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", "fastapi_factory_utilities", *options, "serve", f"{package}.app:AppBuilder"],
        cwd=folder,
        env={"PATH": "/usr/bin:/bin", "PYTHONPATH": str(folder)},
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
