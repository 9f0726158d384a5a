"""What the pytest plugin gives its users, and how it reports a test that could not run."""

import subprocess
import sys
from pathlib import Path

import pytest

NEEDS_A_BACKEND = """
    import pytest
    from fastapi_factory_utilities.testing import BackendNotAvailable

    @pytest.fixture
    def elephants():
        raise BackendNotAvailable("Elephants", "set ELEPHANTS_URI", "start Docker")

    def test_needs_elephants(elephants):
        pass

    def test_finds_out_late():
        raise BackendNotAvailable("Elephants", "set ELEPHANTS_URI", "start Docker")

    def test_needs_nothing():
        pass
"""


@pytest.fixture(autouse=True)
def not_in_ci(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("CI", raising=False)


@pytest.mark.parametrize("options", [(), ("-n", "1")])
def test_a_test_without_its_backend_is_reported_as_not_run_by_name(
    pytester: pytest.Pytester, options: tuple[str, ...]
) -> None:
    pytester.makepyfile(NEEDS_A_BACKEND)
    result = pytester.runpytest(*options)
    result.stdout.fnmatch_lines(
        [
            "*= NOT RUN =*",
            "NOT RUN: 2 tests - no Elephants (set ELEPHANTS_URI or start Docker)",
            "  *.py::test_needs_elephants",
            "  *.py::test_finds_out_late",
            "*1 passed, 2 not run*",
        ]
    )
    result.stdout.no_fnmatch_line("*skipped*")
    assert result.ret == pytest.ExitCode.OK


def test_each_missing_backend_is_listed_by_itself(pytester: pytest.Pytester) -> None:
    pytester.makepyfile("""
        from fastapi_factory_utilities.testing import BackendNotAvailable
        def test_one(): raise BackendNotAvailable("Elephants", "buy one")
        def test_two(): raise BackendNotAvailable("Whales")
    """)
    result = pytester.runpytest()
    result.stdout.fnmatch_lines(["NOT RUN: 1 test - no Elephants (buy one)", "NOT RUN: 1 test - no Whales"])


def test_in_ci_a_test_that_could_not_run_fails(pytester: pytest.Pytester, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("CI", "true")
    pytester.makepyfile(NEEDS_A_BACKEND)
    result = pytester.runpytest()
    result.assert_outcomes(passed=1, failed=1, errors=1)
    result.stdout.fnmatch_lines(["*not run: no Elephants*", "*With CI=true every test must run*"])
    assert result.ret == pytest.ExitCode.TESTS_FAILED


def test_an_expected_failure_of_another_kind_is_left_alone(pytester: pytest.Pytester) -> None:
    pytester.makepyfile("""
        import pytest
        def test_fails(): raise ValueError
        def test_skips(): pytest.skip("because")
        @pytest.mark.xfail
        def test_expected(): raise ValueError
    """)
    result = pytester.runpytest()
    result.assert_outcomes(failed=1, skipped=1, xfailed=1)
    result.stdout.no_fnmatch_line("*NOT RUN*")


def test_a_junit_report_has_it_as_skipped_with_the_reason(pytester: pytest.Pytester) -> None:
    pytester.makepyfile(NEEDS_A_BACKEND)
    pytester.runpytest("--junitxml=report.xml")
    report = (pytester.path / "report.xml").read_text()
    assert 'skipped="2"' in report
    assert "not run: no Elephants" in report


def test_every_test_gets_a_mongo_database_of_its_own_and_the_session_one_server(pytester: pytest.Pytester) -> None:
    pytester.makepyfile("""
        from pymongo import MongoClient
        seen = set()

        def use(uri, name):
            with MongoClient(uri) as client:
                database = client.get_default_database()
                assert database.name == name
                assert database.books.count_documents({}) == 0
                database.books.insert_one({})
                seen.add((client.address, database.name))

        def test_one(mongo_uri, mongo_database): use(mongo_uri, mongo_database)
        def test_two(mongo_uri, mongo_database): use(mongo_uri, mongo_database)
        def test_one_server_two_databases():
            assert len(seen) == 2
            assert len({address for address, _ in seen}) == 1
    """)
    pytester.runpytest("-W", "error").assert_outcomes(passed=3)


def test_a_database_on_a_server_that_is_not_ours_is_removed_again(
    pytester: pytest.Pytester, mongo_uri: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("FFU_TEST_MONGO_URI", mongo_uri)
    pytester.makepyfile("""
        from pymongo import MongoClient
        def test_one(mongo_uri):
            with MongoClient(mongo_uri) as client:
                client.get_default_database().books.insert_one({})
                print("used", client.get_default_database().name)
    """)
    result = pytester.runpytest("-s")
    result.assert_outcomes(passed=1)
    name = next(line.split()[-1] for line in result.stdout.lines if "used" in line)

    from pymongo import MongoClient  # noqa: PLC0415 - of the mongo extra

    with MongoClient[dict[str, object]](mongo_uri) as client:
        assert name not in client.list_database_names()


def test_the_other_fixtures_do_as_their_names_say(pytester: pytest.Pytester) -> None:
    pytester.makepyfile("""
        import pytest
        from fastapi_factory_utilities.testing import ServerError

        def test_private_servers(private_mongo_server, private_postgres_server, mongo_server, postgres_server):
            assert private_mongo_server.uri != mongo_server.uri
            assert private_postgres_server.uri != postgres_server.uri
            private_mongo_server.kill()
            private_postgres_server.kill()
            assert mongo_server.answers() and postgres_server.answers()

        def test_proxies(mongo_uri, postgres_server, fault_proxy):
            one, other = fault_proxy(mongo_uri), fault_proxy(postgres_server.uri)
            assert one.uri.split("?")[0].endswith(mongo_uri.split("/")[-1].split("?")[0])
            assert one.port != other.port
            global left
            left = one, other

        def test_proxies_are_closed_after_their_test():
            for proxy in left:
                with pytest.raises(RuntimeError):
                    proxy.port
    """)
    pytester.runpytest("-W", "error").assert_outcomes(passed=3)


def test_telemetry_is_kept_for_each_test_by_itself(pytester: pytest.Pytester) -> None:
    pytester.makepyfile("""
        import socket
        from urllib.parse import urlsplit

        seen = []

        def use(capture, collector):
            for endpoint in (collector.http_endpoint, collector.grpc_endpoint):
                url = urlsplit(endpoint)
                socket.create_connection((url.hostname, url.port), 5).close()
            seen.append((id(capture), collector))

        def test_one(span_capture, otlp_collector): use(span_capture, otlp_collector)
        def test_two(span_capture, otlp_collector): use(span_capture, otlp_collector)
        def test_both_had_their_own(): assert seen[0][1] is not seen[1][1]
    """)
    pytester.runpytest("-W", "error").assert_outcomes(passed=3)


def test_loading_it_costs_users_who_do_not_use_it_nothing() -> None:
    program = (
        "import sys, pytest; before = set(sys.modules); import fastapi_factory_utilities.testing.pytest_plugin;"
        "print(*sorted(set(sys.modules) - before))"
    )
    loaded = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True).stdout.split()
    ours = {name for name in loaded if name.startswith("fastapi_factory_utilities")}
    assert ours == {
        "fastapi_factory_utilities",
        "fastapi_factory_utilities.testing",
        "fastapi_factory_utilities.testing.pytest_plugin",
    }
    standard = {name for name in loaded if name.partition(".")[0] in sys.stdlib_module_names}
    assert set(loaded) - ours - standard == set()
    assert "asyncio" not in loaded


def test_a_run_that_does_not_use_it_is_unchanged(pytester: pytest.Pytester) -> None:
    pytester.makepyfile("""
        import sys
        def test_plain(request):
            assert not any(name.startswith("fastapi_factory_utilities.testing.servers") for name in sys.modules)
            assert not [name for name in request.fixturenames if name != "request"]
    """)
    pytester.runpytest_subprocess("-p", "no:anyio", "-W", "error").assert_outcomes(passed=1)


def test_the_names_of_the_package_are_all_there() -> None:
    import fastapi_factory_utilities.testing as package  # noqa: PLC0415 - the subject

    for name in package.__all__:
        assert getattr(package, name) is not None
    with pytest.raises(AttributeError, match="no attribute 'nonsense'"):
        _ = package.nonsense
    assert list(package.__all__) == sorted(package.__all__)


def test_the_report_needs_no_terminal(pytester: pytest.Pytester) -> None:
    path: Path = pytester.makepyfile(NEEDS_A_BACKEND)
    result = pytester.runpytest_subprocess("-p", "no:terminal", str(path))
    assert result.ret == pytest.ExitCode.OK
