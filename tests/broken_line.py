"""A line to a database server that can break, as one between two machines does."""

import socket
import threading
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager, suppress
from typing import Self

from crawler.storage.database import database_address


class Line:
    """
    Hands on what clients and a server say to each other.

    Attributes:
        url: The address of the database, for clients at this end of the line.
    """

    def __init__(self, url: str) -> None:
        address = database_address(url)
        assert address.host is not None
        self._server = (address.host, address.port or 5432)
        self._pairs: list[tuple[socket.socket, socket.socket]] = []
        #: Those of the server's ends that are kept open behind its back.
        self._kept: list[socket.socket] = []
        self._away = False
        self._open = ExitStack()
        self._listening = socket.create_server(("127.0.0.1", 0))
        port = self._listening.getsockname()[1]
        self.url = address.set(host="127.0.0.1", port=port).render_as_string(hide_password=False)
        threading.Thread(target=self._accept, daemon=True).start()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.cut()
        self._listening.shutdown(socket.SHUT_RDWR)
        self._listening.close()
        self._open.close()

    def cut(self, *, server_hears: bool = True) -> None:
        """Break it for all who are connected. A server that does not hear of it waits for them to say more."""
        pairs, self._pairs = self._pairs, []
        for client, server in pairs:
            if not server_hears:
                self._kept.append(server)
            for end in (client, server) if server_hears else (client,):
                with suppress(OSError):
                    end.shutdown(socket.SHUT_RDWR)

    @contextmanager
    def away(self) -> Iterator[None]:
        """Broken, and whoever connects is sent away until the end."""
        self._away = True
        self.cut()
        yield
        self._away = False

    def _accept(self) -> None:
        with suppress(OSError):  # nobody listens any more
            while True:
                client = self._open.enter_context(self._listening.accept()[0])
                if self._away:
                    client.close()
                    continue
                server = self._open.enter_context(socket.create_connection(self._server))
                self._pairs.append((client, server))
                for source, target in ((client, server), (server, client)):
                    threading.Thread(target=self._hand_on, args=(source, target), daemon=True).start()

    def _hand_on(self, source: socket.socket, target: socket.socket) -> None:
        with suppress(OSError):
            while said := source.recv(65_536):
                target.sendall(said)
        if target not in self._kept:
            with suppress(OSError):
                target.shutdown(socket.SHUT_RDWR)
