"""
A web server that says exactly the bytes it is told to, rude ones too, and writes down who asked when.

Raw sockets, because a proper server would mend what is meant to be broken.
"""

import contextlib
import itertools
import socket
import socketserver
import ssl
import struct
import threading
import time
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field


@dataclass(frozen=True)
class Asked:
    """One request, as the server saw it."""

    path: str
    #: The server's own steady clock, in seconds.
    at: float
    headers: dict[str, str]


@dataclass
class Talk:
    """One request being answered."""

    connection: socket.socket
    stop: threading.Event

    def send(self, data: bytes) -> None:
        self.connection.sendall(data)

    def reset(self) -> None:
        """End the connection by RST, as a firewall does."""
        self.connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        self.connection.close()

    def hang(self) -> None:
        """Say nothing more until the test is over."""
        self.stop.wait()


Reply = Callable[[Talk], None]


def answer(
    status: int = 200,
    body: bytes = b"<html>hello</html>",
    headers: Mapping[str, str] | None = None,
    *,
    length: int | None = None,
) -> Reply:
    """Status, headers, Content-Length (`length` where it is to be a lie) and body."""
    lines = [
        f"HTTP/1.1 {status} Said",
        f"Content-Length: {len(body) if length is None else length}",
        # Without this a client may use the connection again; finding it closed, it would ask twice.
        "Connection: close",
    ]
    lines += [f"{name}: {value}" for name, value in (headers or {}).items()]
    return raw("\r\n".join([*lines, "", ""]).encode("latin-1") + body)


def raw(data: bytes) -> Reply:
    """These bytes, then the end of the connection."""
    return lambda talk: talk.send(data)


def close_delimited(body: bytes) -> Reply:
    """A body that ends when the connection does."""
    return raw(b"HTTP/1.1 200 OK\r\nContent-Type: text/html\r\n\r\n" + body)


def reset(talk: Talk) -> None:
    talk.reset()


def hang(talk: Talk) -> None:
    talk.hang()


def in_turn(*replies: Reply) -> Reply:
    """The first reply for the first request, whatever it asks for, and so on; the last one for all later."""
    used = itertools.count()
    return lambda talk: replies[min(next(used), len(replies) - 1)](talk)


def drip(talk: Talk) -> None:
    """A byte now and then, for ever."""
    talk.send(b"HTTP/1.1 200 OK\r\nContent-Length: 100000\r\n\r\n")
    while not talk.stop.wait(0.1):
        talk.send(b".")


def endless(talk: Talk) -> None:
    talk.send(b"HTTP/1.1 200 OK\r\n\r\n")
    while not talk.stop.is_set():
        talk.send(b"x" * 65536)


PAGE = answer()
ALLOW_ALL = answer(200, b"User-agent: *\nDisallow:\n", {"Content-Type": "text/plain"})


@dataclass
class FaultServer:
    """A running server; `asked` grows while it runs."""

    url: str
    asked: list[Asked] = field(default_factory=list)

    @property
    def host(self) -> str:
        return self.url.partition("//")[2]


@contextlib.contextmanager
def faultserver(
    replies: Mapping[str, Reply],
    *,
    robots: Reply = ALLOW_ALL,
    otherwise: Reply = PAGE,
    tls: ssl.SSLContext | None = None,
) -> Iterator[FaultServer]:
    """Serve these paths on loopback, and `otherwise` for all others: a small page, if nothing else is said."""
    table = {"/robots.txt": robots, **replies}
    stop = threading.Event()

    class Handler(socketserver.BaseRequestHandler):
        def handle(self) -> None:
            connection: socket.socket = self.request
            with contextlib.suppress(OSError):
                if tls is not None:
                    connection = tls.wrap_socket(connection, server_side=True)
                head = b""
                while b"\r\n\r\n" not in head:
                    read = connection.recv(65536)
                    if not read:
                        return
                    head += read
                path, headers = _parsed(head)
                server.asked.append(Asked(path, time.monotonic(), headers))
                table.get(path, otherwise)(Talk(connection, stop))

    class Listener(socketserver.ThreadingTCPServer):
        daemon_threads = True
        request_queue_size = 64

    with Listener(("127.0.0.1", 0), Handler) as listener:
        scheme = "http" if tls is None else "https"
        server = FaultServer(f"{scheme}://127.0.0.1:{listener.server_address[1]}")
        thread = threading.Thread(target=listener.serve_forever, args=(0.02,), daemon=True)
        thread.start()
        try:
            yield server
        finally:
            stop.set()
            listener.shutdown()
            thread.join()


def _parsed(head: bytes) -> tuple[str, dict[str, str]]:
    first, *rest = head.decode("latin-1").split("\r\n\r\n")[0].split("\r\n")
    return first.split()[1], dict(line.split(": ", 1) for line in rest)
