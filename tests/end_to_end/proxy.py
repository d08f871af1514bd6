"""A TCP proxy that does to connections what networks do."""
import asyncio
import socket
import struct
import threading

from system import free_port

CHUNK = 1 << 16
DRIP_BYTES = 512
TURN_SECONDS = 0.005
LATE_SECONDS = 0.2
RESET = struct.pack("ii", 1, 0)  # SO_LINGER: gone at once


class Proxy:
    """Carries connections to a port of loopback, each in the way that was set last.

    silent: nothing passes; deaf: requests pass, replies do not; drip: a few bytes at a time; late:
    everything a fifth of a second later.
    """

    WAYS = ("silent", "deaf", "drip", "late")

    def __init__(self, target, port=None):
        self.target, self.port, self.way = target, port or free_port(), "carry"
        self.writers = set()
        self.loop = asyncio.new_event_loop()
        self.thread = threading.Thread(target=self.loop.run_forever, daemon=True)

    def __enter__(self):
        self.thread.start()
        self.call(asyncio.start_server(self.serve, "127.0.0.1", self.port))
        return self

    def __exit__(self, *_):
        self.call(self.end())
        self.loop.call_soon_threadsafe(self.loop.stop)
        self.thread.join()

    def call(self, coroutine):
        return asyncio.run_coroutine_threadsafe(coroutine, self.loop).result()

    def cut(self):
        """Resets what is open, wherever in a message it is."""
        self.call(self.abort(set(self.writers)))

    async def end(self):
        for task in asyncio.all_tasks() - {asyncio.current_task()}:
            task.cancel()
        await self.abort(set(self.writers))

    async def abort(self, writers):
        for each in writers & self.writers:
            end = each.get_extra_info("socket")
            if end.fileno() >= 0:  # else the other end has been quicker
                end.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, RESET)
            each.transport.abort()
        self.writers -= writers

    async def serve(self, from_client, to_client):
        try:
            from_server, to_server = await asyncio.open_connection("127.0.0.1", self.target)
        except OSError:
            return to_client.transport.abort()
        both = {to_client, to_server}
        self.writers |= both
        await asyncio.wait([asyncio.create_task(self.pump(from_client, to_server, False)),
                            asyncio.create_task(self.pump(from_server, to_client, True))],
                           return_when=asyncio.FIRST_COMPLETED)
        await self.abort(both)

    async def pump(self, source, sink, replies):
        try:
            while chunk := await source.read(CHUNK):
                while chunk:
                    while self.way == "silent" or (replies and self.way == "deaf"):
                        await asyncio.sleep(TURN_SECONDS)
                    size = DRIP_BYTES if self.way == "drip" else len(chunk)
                    if self.way in ("drip", "late"):
                        await asyncio.sleep(LATE_SECONDS if self.way == "late" else TURN_SECONDS)
                    sink.write(chunk[:size])
                    await sink.drain()
                    chunk = chunk[size:]
        except OSError:
            pass  # cut
