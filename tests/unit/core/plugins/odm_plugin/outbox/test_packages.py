"""The packages of the outbox and the inbox without a driver."""

import subprocess
import sys

PREFIX = "fastapi_factory_utilities.core.plugins.odm_plugin"


def run(code: str) -> "subprocess.CompletedProcess[str]":
    return subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, timeout=60, check=False)


def test_importing_a_package_imports_no_driver_until_a_name_needs_it() -> None:
    code = f"""
import sys
import {PREFIX}.inbox as inbox, {PREFIX}.outbox as outbox
print({{"beanie", "bson", "pymongo"}} & set(sys.modules))
for package in (inbox, outbox):
    print([name for name in package.__all__ if not hasattr(package, name)], hasattr(package, "nothing"))
"""
    done = run(code)
    assert done.stdout.splitlines() == ["set()", "[] False", "[] False"], done.stderr


def test_a_name_that_needs_the_driver_says_how_to_install_it() -> None:
    # Found by nobody, as where it is not installed.
    code = f"""
import importlib, importlib.util as util
find = util.find_spec
util.find_spec = lambda name, *more: None if name in ("beanie", "pymongo") else find(name, *more)
for package, name in (("outbox", "Outbox"), ("outbox", "EmbeddingRepository"), ("inbox", "MongoInbox")):
    try:
        getattr(importlib.import_module("{PREFIX}." + package), name)
    except ImportError as error:
        print("pip install 'fastapi-factory-utilities[mongo]'" in str(error))
"""
    done = run(code)
    assert done.stdout.splitlines() == ["True"] * 3, done.stderr
