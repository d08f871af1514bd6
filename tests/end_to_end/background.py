"""What goes on beside a test until it is told to stop."""
import threading


class Background(threading.Thread):
    """Works on a thread of its own while a `with` block lasts.

    What its work() throws ends it, and is raised at the end of the block, unless the block has failed by itself.
    """

    PAUSE_SECONDS = 0.03

    def __init__(self):
        super().__init__(daemon=True)
        self.failure = None
        self.done = threading.Event()

    def __enter__(self):
        self.start()
        return self

    def __exit__(self, kind, *_):
        self.stop()
        if not kind:
            self.require()

    def run(self):
        try:
            self.work()
        except Exception as failure:  # whatever it is, the test is to know
            self.failure = failure

    def work(self):
        """Takes turns, once after each again()."""
        raise NotImplementedError

    def again(self):
        """After a pause; false when it is to stop."""
        return not self.done.wait(self.PAUSE_SECONDS)

    def stop(self):
        self.done.set()
        self.join()

    def require(self):
        """Raises what it has failed with, if it has."""
        if self.failure:
            raise self.failure
