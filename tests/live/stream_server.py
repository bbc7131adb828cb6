"""A WebSocket server on loopback that plays a script to each client that comes, the first one to the first."""

import contextlib
import threading

from websockets.exceptions import ConnectionClosed
from websockets.sync import server


class Abort:
    """Ends the connection as a broken line would: no closing handshake."""


class Close:
    """Closes the connection with a code and a reason."""

    def __init__(self, code=1000, reason=""):
        self.code, self.reason = code, reason


class Pause:
    """Sends nothing for some time; pings are answered."""

    def __init__(self, seconds):
        self.seconds = seconds


class Freeze:
    """Neither sends nor answers pings for some time."""

    def __init__(self, seconds):
        self.seconds = seconds


class StreamServer:
    """Serves `scripts`: iterables of text, bytes (a binary frame), Abort, Close, Pause and Freeze.

    Clients after the last script hear nothing until the server ends.

    Attributes:
        connections: number of clients so far. url: to connect to.
    """

    def __init__(self, *scripts, **options):
        """options: of websockets.sync.server.serve."""
        self._scripts, self._options = scripts, options
        self.connections = 0
        self._over = threading.Event()

    def __enter__(self):
        self._server = server.serve(self._play, "127.0.0.1", 0, ping_interval=None, close_timeout=1.0, **self._options)
        self._thread = threading.Thread(target=self._server.serve_forever)
        self._thread.start()
        self.url = f"ws://127.0.0.1:{self._server.socket.getsockname()[1]}/stream?streams=x"
        return self

    def __exit__(self, *_):
        self._over.set()
        self._server.shutdown()
        self._thread.join()

    def _play(self, connection):
        number, self.connections = self.connections, self.connections + 1
        script = self._scripts[number] if number < len(self._scripts) else ()
        with contextlib.suppress(ConnectionClosed):
            for step in script:
                if isinstance(step, Abort):
                    connection.close_socket()
                    return
                if isinstance(step, Close):
                    connection.close(step.code, step.reason)
                    return
                if isinstance(step, Pause | Freeze):
                    frozen = isinstance(step, Freeze)
                    with connection.protocol_mutex if frozen else contextlib.nullcontext():
                        self._over.wait(step.seconds)
                else:
                    connection.send(step)
            self._over.wait(60.0)
