import pytest
from redis import exceptions

from fastapi_factory_utilities.core.exceptions import BackendUnavailableError
from fastapi_factory_utilities.core.plugins.redis_client import RedisUnavailableError, redis_errors

NOT_NOW = [
    exceptions.ConnectionError("Error 111 connecting to 10.0.0.1:6379"),
    exceptions.TimeoutError("Timeout reading from 10.0.0.1:6379"),
    exceptions.BusyLoadingError("loading"),
    exceptions.ReadOnlyError("You can't write against a read only replica."),
    exceptions.ResponseError("NOREPLICAS Not enough good replicas to write."),
    exceptions.ResponseError("MISCONF Redis is configured to save RDB snapshots"),
    exceptions.OutOfMemoryError("command not allowed when used memory > 'maxmemory'."),
    exceptions.ResponseError("ERR Error running script: @user_script: 1: -MISCONF Redis is configured to save"),
    ConnectionResetError("reset"),
    TimeoutError(),
]
OTHERS = [
    exceptions.ResponseError("WRONGTYPE Operation against a key holding the wrong kind of value"),
    exceptions.ResponseError("BUSYGROUP Consumer Group name already exists"),
    exceptions.AuthenticationError("invalid username-password pair"),
    exceptions.DataError("Invalid input"),
]


@pytest.mark.parametrize("error", NOT_NOW, ids=repr)
def test_what_means_not_now_becomes_our_error_and_a_503(error: Exception) -> None:
    with pytest.raises(RedisUnavailableError, match="could not count a visit") as caught, redis_errors("count a visit"):
        raise error
    assert isinstance(caught.value, BackendUnavailableError)
    assert caught.value.__cause__ is error
    assert caught.value.fields["operation"] == "count a visit"
    assert "10.0.0.1" not in str(caught.value)


@pytest.mark.parametrize("error", OTHERS, ids=repr)
def test_a_mistake_stays_what_it_is(error: Exception) -> None:
    with pytest.raises(type(error)) as caught, redis_errors("count a visit"):
        raise error
    assert caught.value is error
