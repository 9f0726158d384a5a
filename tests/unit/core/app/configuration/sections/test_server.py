"""How the service is served: limits, time budgets, certificates."""

from pathlib import Path
from typing import Any

import pytest
from pydantic import ValidationError

from fastapi_factory_utilities.core.app.config import ServerConfig

_CERTIFICATE = "-----BEGIN CERTIFICATE-----\nMIIB\n-----END CERTIFICATE-----\n"
_KEY = "-----BEGIN PRIVATE KEY-----\nMIIB\n-----END PRIVATE KEY-----\n"


@pytest.fixture
def files(tmp_path: Path) -> dict[str, Path]:
    contents = {"cert": _CERTIFICATE, "key": _KEY, "both": _KEY + _CERTIFICATE}
    paths = {name: tmp_path / f"{name}.pem" for name in contents}
    for name, path in paths.items():
        path.write_text(contents[name])
    return paths


def test_the_defaults_fit_a_container() -> None:
    config = ServerConfig()

    assert (config.host, config.port, config.workers) == ("0.0.0.0", 8000, 1)  # noqa: S104 - the default
    assert (config.drain_seconds, config.grace_seconds, config.startup_wait_seconds) == (5.0, 30.0, 0.5)
    assert config.access_log is True
    assert config.limit_concurrency is None
    assert config.ssl_certfile is None


def test_plugins_get_a_third_of_what_the_drain_leaves() -> None:
    assert ServerConfig(drain_seconds=6, grace_seconds=36).stop_seconds == pytest.approx(10)


@pytest.mark.parametrize(
    "values",
    [
        {"port": 65536},
        {"port": -1},
        {"workers": 0},
        {"host": ""},
        {"drain_seconds": -1},
        {"grace_seconds": 0},
        {"limit_concurrency": 0},
        {"prot": 1},
    ],
)
def test_values_out_of_bounds_are_refused(values: dict[str, Any]) -> None:
    with pytest.raises(ValidationError):
        ServerConfig.model_validate(values)


def test_port_0_takes_a_free_one() -> None:
    assert ServerConfig.model_validate({"port": "0"}).port == 0


@pytest.mark.parametrize(("drain", "grace"), [(5.0, 5.0), (6.0, 5.0)])
def test_the_drain_must_leave_time_to_stop(drain: float, grace: float) -> None:
    with pytest.raises(ValidationError, match="drain_seconds must be less than grace_seconds"):
        ServerConfig(drain_seconds=drain, grace_seconds=grace)


@pytest.mark.parametrize("given", [("cert", "key"), ("both", None)])
def test_a_certificate_needs_its_key_in_either_file(given: tuple[str, str | None], files: dict[str, Path]) -> None:
    certificate, key = given

    config = ServerConfig(ssl_certfile=files[certificate], ssl_keyfile=files[key] if key else None)

    assert config.ssl_certfile == files[certificate]


@pytest.mark.parametrize(
    ("values", "message"),
    [
        ({"ssl_certfile": "cert"}, "holds no private key"),
        ({"ssl_keyfile": "key"}, "ssl_keyfile has no effect without ssl_certfile"),
        ({"ssl_keyfile_password": "x"}, "ssl_keyfile_password has no effect without ssl_certfile"),
        ({"ssl_ca_certs": "cert"}, "ssl_ca_certs has no effect without ssl_certfile"),
        ({"ssl_certfile": "nowhere"}, "there is no such file"),
        ({"ssl_certfile": "folder"}, "there is no such file"),
        ({"ssl_certfile": "\0"}, "there is no such file"),
        ({"ssl_certfile": "x" * 5000}, "there is no such file"),
    ],
)
def test_incomplete_tls_is_refused(
    values: dict[str, str], message: str, files: dict[str, Path], tmp_path: Path
) -> None:
    (tmp_path / "folder").mkdir()
    given = {
        key: str(files.get(value, tmp_path / value)) if "password" not in key else value
        for key, value in values.items()
    }

    with pytest.raises(ValidationError, match=message):
        ServerConfig.model_validate(given)


def test_the_password_of_the_key_stays_a_secret(files: dict[str, Path]) -> None:
    config = ServerConfig.model_validate(
        {"ssl_certfile": files["cert"], "ssl_keyfile": files["key"], "ssl_keyfile_password": "geheim"}
    )

    assert "geheim" not in repr(config)
    assert config.ssl_keyfile_password is not None
    assert config.ssl_keyfile_password.get_secret_value() == "geheim"


@pytest.mark.parametrize("proxies", ["*", " * ", "127.0.0.1", "10.0.0.7, 10.1.0.0/16", "::1,fd00::/8"])
def test_proxies_are_addresses_and_networks(proxies: str) -> None:
    assert ServerConfig(forwarded_allow_ips=proxies).forwarded_allow_ips == proxies.strip()


@pytest.mark.parametrize("proxies", ["", "proxy.example", "10.0.0.1/8", "10.0.0.7,", "10.0.0.7 10.0.0.8", "10.0.0.7,*"])
def test_proxies_that_the_server_would_silently_never_find_are_refused(proxies: str) -> None:
    with pytest.raises(ValidationError, match="must be addresses and networks of proxies"):
        ServerConfig(forwarded_allow_ips=proxies)


@pytest.mark.parametrize(
    "host", ["api.example", "*.api.example", "localhost", "10.0.0.7", "::1", "[::1]", "*", "a_b.example."]
)
def test_a_host_is_a_name_or_an_address(host: str) -> None:
    assert ServerConfig(allowed_hosts=(host,)).allowed_hosts == (host,)


@pytest.mark.parametrize(
    "host", ["", "https://api.example", "api.example:80", "api.example/", "*api.example", "a..b", "é.example"]
)
def test_a_host_has_neither_scheme_nor_port(host: str) -> None:
    with pytest.raises(ValidationError, match="must be a name or an address"):
        ServerConfig(allowed_hosts=(host,))
