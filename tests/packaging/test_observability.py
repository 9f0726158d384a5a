"""The files in `deploy/observability`: each follows its schema, and what it refers to is there.

The containers are not started: a service's figures are compared with the dashboards by their names.
"""

import json
import re
import subprocess
import sys
from functools import cache
from itertools import combinations
from pathlib import Path
from typing import Any

import pytest
import yaml

from tests.packaging.installed import ROOT

FOLDER = ROOT / "deploy/observability"
DASHBOARDS = sorted((FOLDER / "grafana/dashboards").glob("*.json"))
# What opentelemetry-instrumentation-system-metrics measures; the README says how to add it.
RUNTIME = {
    "cpython.gc.collections",
    "process.context_switches",
    "process.cpu.time",
    "process.memory.usage",
    "process.open_file_descriptor.count",
    "process.thread.count",
}


def read(path: str | Path) -> Any:
    return yaml.safe_load((FOLDER / path).read_text())


def compose() -> dict[str, Any]:
    services: dict[str, Any] = read("docker-compose.yaml")["services"]
    return services


def datasources() -> dict[str, dict[str, Any]]:
    return {each["uid"]: each for each in read("grafana/provisioning/datasources/datasources.yaml")["datasources"]}


def panels(dashboard: Path) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = json.loads(dashboard.read_text())["panels"]
    return found


def expressions(dashboard: Path) -> list[str]:
    return [target["expr"] for panel in panels(dashboard) for target in panel["targets"]]


def test_the_compose_file_follows_the_compose_specification() -> None:
    tool, file = Path(sys.executable).with_name("check-jsonschema"), FOLDER / "docker-compose.yaml"
    command = [str(tool), "--builtin-schema", "vendor.compose-spec", str(file)]
    done = subprocess.run(command, capture_output=True, text=True, check=False, timeout=60)
    assert done.returncode == 0, done.stdout


@pytest.mark.parametrize("path", sorted(FOLDER.rglob("*.yaml")), ids=lambda path: str(path.relative_to(FOLDER)))
def test_every_yaml_file_can_be_read(path: Path) -> None:
    assert isinstance(read(path), dict)


def test_images_have_a_version_and_nothing_is_reachable_from_elsewhere() -> None:
    for name, service in compose().items():
        assert re.fullmatch(r"[\w/-]+:v?\d+\.\d+\.\d+", service["image"]), name
        assert all(port.startswith("127.0.0.1:") for port in service.get("ports", ())), name


def test_every_mounted_file_is_there() -> None:
    mounted = [volume.split(":")[0] for service in compose().values() for volume in service.get("volumes", ())]
    files = [path for path in mounted if path.startswith(".")]
    assert files
    assert not [path for path in files if not (FOLDER / path).exists()]


def test_the_collector_uses_only_what_it_defines_and_sends_to_containers_that_listen() -> None:
    collector = read("collector.yaml")
    assert set(collector["service"]["pipelines"]) == {"traces", "metrics", "logs"}
    for pipeline in collector["service"]["pipelines"].values():
        for kind in ("receivers", "processors", "exporters"):
            assert set(pipeline[kind]) <= set(collector[kind])
    tempo = read("tempo.yaml")["distributor"]["receivers"]["otlp"]["protocols"]["grpc"]["endpoint"]
    assert collector["exporters"]["otlp/tempo"]["endpoint"] == f"tempo:{tempo.split(':')[1]}"
    # Prometheus: it listens on 9090, and takes OTLP when told so.
    assert collector["exporters"]["otlphttp/prometheus"]["endpoint"] == "http://prometheus:9090/api/v1/otlp"
    assert "--web.enable-otlp-receiver" in compose()["prometheus"]["command"]
    assert "--enable-feature=exemplar-storage" in compose()["prometheus"]["command"]
    assert {"127.0.0.1:4317:4317", "127.0.0.1:4318:4318"} <= set(compose()["collector"]["ports"])


def test_grafana_finds_its_data_and_leads_from_exemplars_to_traces() -> None:
    prometheus, tempo = datasources()["prometheus"], datasources()["tempo"]
    assert prometheus["url"] == "http://prometheus:9090"
    assert tempo["url"] == f"http://tempo:{read('tempo.yaml')['server']['http_listen_port']}"
    (exemplars,) = prometheus["jsonData"]["exemplarTraceIdDestinations"]
    assert (exemplars["name"], exemplars["datasourceUid"]) == ("trace_id", "tempo")
    (provider,) = read("grafana/provisioning/dashboards/dashboards.yaml")["providers"]
    grafana = compose()["grafana"]
    assert f"./grafana/dashboards:{provider['options']['path']}:ro" in grafana["volumes"]
    home = grafana["environment"]["GF_DASHBOARDS_DEFAULT_HOME_DASHBOARD_PATH"]
    assert (FOLDER / "grafana/dashboards" / Path(home).name).exists()


def test_there_is_a_dashboard_for_each_thing_that_is_measured() -> None:
    assert [path.stem for path in DASHBOARDS] == [
        "messages",
        "mongodb",
        "outgoing-http",
        "requests",
        "runtime",
        "tasks",
    ]


@pytest.mark.parametrize("path", DASHBOARDS, ids=lambda path: path.stem)
def test_dashboards_are_well_formed(path: Path) -> None:
    dashboard = json.loads(path.read_text())
    assert dashboard["uid"] == path.stem
    assert dashboard["title"]
    ids = [panel["id"] for panel in dashboard["panels"]]
    assert len(set(ids)) == len(ids)
    sources = [panel["datasource"]["uid"] for panel in dashboard["panels"]]
    sources += [variable["datasource"]["uid"] for variable in dashboard["templating"]["list"]]
    assert set(sources) <= set(datasources())
    places = [panel["gridPos"] for panel in dashboard["panels"]]
    assert all(place["x"] + place["w"] <= 24 for place in places)
    assert not [pair for pair in combinations(places, 2) if _overlap(*pair)]


@pytest.mark.parametrize("path", DASHBOARDS, ids=lambda path: path.stem)
def test_queries_are_balanced_and_use_variables_that_exist(path: Path) -> None:
    dashboard = json.loads(path.read_text())
    names = {variable["name"] for variable in dashboard["templating"]["list"]}
    for expression in expressions(path):
        for one, other in ("()", "{}", "[]"):
            assert expression.count(one) == expression.count(other), expression
        assert set(re.findall(r"\$(\w+)", expression)) <= names | {"__rate_interval"}, expression


@pytest.mark.parametrize("path", DASHBOARDS, ids=lambda path: path.stem)
def test_dashboards_ask_for_metrics_and_attributes_that_services_have(path: Path) -> None:
    asked = " ".join(expressions(path))
    metrics = set(re.findall(r"(\w+)\{", asked))
    labels = set(re.findall(r'(\w+)(?:=~|!=|=)"', asked))
    labels |= {name.strip() for names in re.findall(r"by \(([^)]*)\)", asked) for name in names.split(",")}
    named = {name.replace(".", "_") for name in _dotted_names() | RUNTIME}
    assert metrics
    assert not {name for name in metrics if name not in named and _without_suffixes(name) not in named}
    assert not labels - named - {"le", "instance"}  # Prometheus's own


def test_requests_are_shown_by_route_with_quantiles_and_exemplars() -> None:
    shown = panels(FOLDER / "grafana/dashboards/requests.json")
    asked = " ".join(expressions(FOLDER / "grafana/dashboards/requests.json"))
    for wanted in ("histogram_quantile(0.5,", "histogram_quantile(0.95,", "histogram_quantile(0.99,", "http_route"):
        assert wanted in asked
    assert any(target["exemplar"] for panel in shown for target in panel["targets"])


@cache
def _dotted_names() -> set[str]:
    """The names of instruments and attributes in the library's code."""
    return {
        name
        for path in (ROOT / "src").rglob("*.py")
        for name in re.findall(r'"([a-z]+(?:[._][a-z_]+)+)"', path.read_text())
    }


def _without_suffixes(name: str) -> str:
    """Take away what Prometheus adds: the sample's kind, and the unit."""
    return re.sub(r"(_seconds|_bytes)?(_bucket|_count|_sum|_total)?$", "", name)


def _overlap(one: dict[str, int], other: dict[str, int]) -> bool:
    return (
        one["x"] < other["x"] + other["w"]
        and other["x"] < one["x"] + one["w"]
        and one["y"] < other["y"] + other["h"]
        and other["y"] < one["y"] + one["h"]
    )
