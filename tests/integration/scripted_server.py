"""An HTTP server that does to each request what the request's own body asks for.

Run as a process: `python scripted_server.py [CERTIFICATE.pem]` prints its port, then that of its
TLS twin where a certificate is given. A request's body is a JSON list of steps:

    ["send", text]    send the text; {connection}, {request} and {now_ns} in it become the
                      connection's number, the request's on it, and the monotonic clock
    ["send64", text]  send these bytes, in base64
    ["chunk", text]   send the text as one chunk
    ["pause", s]      wait
    ["echo"]          send the lines of the request's own head, sorted, as an error's body
    ["close"]         end the connection in good order
    ["reset"]         end it with a reset
    ["hang"]          do nothing until the client goes

After the last step the connection is kept for the next request.
"""

import base64
import contextlib
import json
import socket
import ssl
import struct
import sys
import threading
import time
from itertools import count

_connections = count(1)


def serve(listener: socket.socket, context: ssl.SSLContext | None) -> None:
    while True:
        sock, _ = listener.accept()
        threading.Thread(
            target=handle, args=(sock, context, next(_connections)), daemon=True
        ).start()


def handle(sock: socket.socket, context: ssl.SSLContext | None, number: int) -> None:
    with contextlib.suppress(OSError), sock:
        sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        if context is not None:
            sock = context.wrap_socket(sock, server_side=True)
        for request in count(1):
            head, steps = read_request(sock)
            for step in steps:
                if not act(sock, head, step, (number, request)):
                    return


def read_request(sock: socket.socket) -> tuple[bytes, list[list[str | float]]]:
    data = b""
    while b"\r\n\r\n" not in data:
        data += received(sock)
    head, _, begun = data.partition(b"\r\n\r\n")
    body = bytearray(begun)
    fields = dict(line.split(": ", 1) for line in head.decode().lower().split("\r\n")[1:])
    while len(body) < int(fields["content-length"]):
        body += received(sock)
    return head, json.loads(body)


def received(sock: socket.socket) -> bytes:
    data = sock.recv(65536)
    if not data:
        raise ConnectionError
    return data


def act(
    sock: socket.socket, head: bytes, step: list[str | float], numbers: tuple[int, int]
) -> bool:
    """Take one step; False where the connection has ended with it."""
    match step:
        case ["send", str(text)]:
            sock.sendall(filled(text, numbers))
        case ["send64", str(text)]:
            sock.sendall(base64.b64decode(text))
        case ["chunk", str(text)]:
            data = filled(text, numbers)
            sock.sendall(b"%x\r\n%s\r\n" % (len(data), data))
        case ["pause", float(seconds) | int(seconds)]:
            time.sleep(seconds)
        case ["echo"]:
            text = json.dumps(
                {"error": {"message": "; ".join(sorted(head.decode().split("\r\n")))}}
            ).encode()
            answer = b"HTTP/1.1 500 Echo\r\nContent-Length: %d\r\n\r\n%s" % (len(text), text)
            sock.sendall(answer)
        case ["close"]:
            if isinstance(sock, ssl.SSLSocket):
                sock = sock.unwrap()
            sock.shutdown(socket.SHUT_WR)
            sock.close()
            return False
        case ["reset"]:
            sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
            sock.close()
            return False
        case ["hang"]:
            while True:
                received(sock)
        case _:
            raise ValueError(step)
    return True


def filled(text: str, numbers: tuple[int, int]) -> bytes:
    text = text.replace("{connection}", str(numbers[0])).replace("{request}", str(numbers[1]))
    return text.replace("{now_ns}", str(time.monotonic_ns())).encode()


def main() -> None:
    contexts: list[ssl.SSLContext | None] = [None]
    for certificate in sys.argv[1:]:
        context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
        context.load_cert_chain(certificate)
        contexts.append(context)
    for context in contexts:
        listener = socket.create_server(("127.0.0.1", 0), backlog=64)
        threading.Thread(target=serve, args=(listener, context), daemon=True).start()
        sys.stdout.write(f"{listener.getsockname()[1]}\n")
    sys.stdout.flush()
    sys.stdin.read()


if __name__ == "__main__":
    main()
