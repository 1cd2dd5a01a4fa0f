"""A network camera where there is none: pictures of a folder as a stream without end.

    python3 network_camera.py FOLDER PORT FPS

It is copied to the machine and run there by its own Python, so it knows the standard library alone.
"""

from __future__ import annotations

import sys
import time
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from itertools import cycle
from pathlib import Path


class Stream(BaseHTTPRequestHandler):
    pictures: tuple[bytes, ...] = ()
    fps = 10.0

    def do_GET(self) -> None:
        self.send_response(200)
        self.send_header("Content-Type", "multipart/x-mixed-replace; boundary=next")
        self.end_headers()
        due = time.monotonic()
        for picture in cycle(self.pictures):
            head = f"--next\r\nContent-Type: image/jpeg\r\nContent-Length: {len(picture)}\r\n\r\n"
            try:
                self.wfile.write(head.encode() + picture + b"\r\n")
            except OSError:  # who watched has gone
                return
            due += 1 / self.fps
            time.sleep(max(0.0, due - time.monotonic()))

    def log_message(self, *_: object) -> None:
        pass


def main() -> None:
    folder, port, fps = sys.argv[1:]
    Stream.pictures = tuple(path.read_bytes() for path in sorted(Path(folder).iterdir()))
    Stream.fps = float(fps)
    ThreadingHTTPServer(("127.0.0.1", int(port)), Stream).serve_forever()


if __name__ == "__main__":
    main()
