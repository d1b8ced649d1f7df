"""A broker that is there and says nothing."""

import contextlib
import socket
import threading


class Mute:
    """A broker that lets everybody in with MQTT 5, and then says nothing; `heard` is all that it was sent."""

    def __init__(self) -> None:
        self._server = socket.create_server(("127.0.0.1", 0))
        self.port: int = self._server.getsockname()[1]
        self.connections: list[socket.socket] = []
        self.heard = b""
        self.first_words: list[bytes] = []  # of each connection: its CONNECT
        threading.Thread(target=self._serve, daemon=True).start()

    def _serve(self) -> None:
        with contextlib.suppress(OSError):
            while True:
                connection = self._server.accept()[0]
                self.connections.append(connection)
                threading.Thread(target=self._listen, args=(connection,), daemon=True).start()

    def _listen(self, connection: socket.socket) -> None:
        with contextlib.suppress(OSError):
            self.first_words.append(connection.recv(4096))
            connection.sendall(bytes([0x20, 3, 0, 0, 0]))  # CONNACK: success, no properties
            while chunk := connection.recv(65536):
                self.heard += chunk

    def close(self) -> None:
        for open_socket in (self._server, *self.connections):
            with contextlib.suppress(OSError):
                open_socket.shutdown(socket.SHUT_RDWR)
            open_socket.close()
