"""What goes down a socket: whole WebSocket messages, at once where the kernel takes them."""

from __future__ import annotations

from typing import Any

import pytest
from daphne.ws_protocol import WebSocketFactory, WebSocketProtocol
from hypothesis import given
from hypothesis import strategies as st
from websockets.frames import Frame, Opcode

from intellispark.realtime.transport.daphne import _frame, _with_options_of, _write


@pytest.mark.parametrize("length", [0, 1, 125, 126, 65_535, 65_536])
def test_a_message_is_framed_as_the_protocol_says(length):
    payload = b"x" * length
    assert _frame(payload) == Frame(Opcode.TEXT, payload).serialize(mask=False)


class Transport:
    """As Twisted's: a kernel that takes so many bytes, and a buffer for what it does not."""

    def __init__(self, takes: list[int | Exception]) -> None:
        self.takes, self.kernel = takes, b""
        self.dataBuffer, self._tempDataBuffer = b"", []

    def writeSomeData(self, data: bytes) -> Any:
        took = self.takes.pop(0) if self.takes else 0
        if isinstance(took, int):
            took = min(took, len(data))
            self.kernel += data[:took]
        return took

    def write(self, data: bytes) -> None:
        self._tempDataBuffer.append(data)

    @property
    def sent(self) -> bytes:
        return self.kernel + b"".join(self._tempDataBuffer)


@given(st.lists(st.integers(0, 20), max_size=10), st.lists(st.binary(max_size=30), max_size=10))
def test_nothing_is_lost_or_overtaken_whatever_the_kernel_takes(takes, messages):
    transport = Transport([*takes])
    for message in messages:
        _write(transport, message)
    assert transport.sent == b"".join(messages)


def test_a_lost_connection_is_left_to_the_reactor():
    transport = Transport([ConnectionResetError()])
    _write(transport, b"frame")
    assert transport._tempDataBuffer == [b"frame"]


def test_a_connection_has_its_factorys_options_without_a_copy_of_them():
    factory = WebSocketFactory(None)
    factory.setProtocolOptions(autoPingTimeout=30, openHandshakeTimeout=0)
    connection = _with_options_of(factory)()
    connection.factory, connection.peer = factory, "somebody"
    connection._connectionMade()
    options = {name: getattr(factory, name) for name in WebSocketProtocol.CONFIG_ATTRS}
    assert options["autoPingTimeout"] == 30
    assert {name: getattr(connection, name) for name in options} == options
    assert not {*options} & {*vars(connection)}
