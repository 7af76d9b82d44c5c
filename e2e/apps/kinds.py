"""Apps of each kind at their edges: lifespan, threads, concurrency, streams that are left, servers that do not listen."""

import modal

image = modal.Image.debian_slim(python_version="3.11").pip_install("fastapi[standard]", "flask")
app = modal.App("kinds")


@app.function(image=image, max_containers=2)
@modal.concurrent(max_inputs=4)
@modal.asgi_app()
def crowded():
    import asyncio
    import uuid

    from fastapi import FastAPI

    api = FastAPI()
    container = uuid.uuid4().hex
    now = {"running": 0, "most": 0}

    @api.get("/")
    async def work():
        now["running"] += 1
        now["most"] = max(now["most"], now["running"])
        await asyncio.sleep(0.05)
        now["running"] -= 1
        return {"container": container, "most": now["most"]}

    return api


@app.function(image=image, max_containers=1)
@modal.asgi_app()
def single():
    import asyncio

    from fastapi import FastAPI

    api = FastAPI()
    now = {"running": 0, "most": 0}

    @api.get("/")
    async def work():
        now["running"] += 1
        now["most"] = max(now["most"], now["running"])
        await asyncio.sleep(0.02)
        now["running"] -= 1
        return {"most": now["most"]}

    return api


@app.function(image=image)
@modal.asgi_app()
def refusing():
    async def lifespan_fails(scope, receive, send):
        if scope["type"] == "lifespan":
            await receive()
            await send({"type": "lifespan.startup.failed", "message": "the database is not there"})

    return lifespan_fails


@app.function(image=image, max_containers=1)
@modal.concurrent(max_inputs=10)
@modal.asgi_app()
def bare():
    left = []

    async def answer(scope, receive, send):
        if scope["type"] == "lifespan":
            while True:
                message = await receive()
                await send({"type": message["type"] + ".complete"})
                if message["type"] == "lifespan.shutdown":
                    return
        if scope["path"] == "/left":
            body = str(len(left)).encode()
            await send({"type": "http.response.start", "status": 200, "headers": [(b"content-length", b"1")]})
            await send({"type": "http.response.body", "body": body})
            return
        await send({"type": "http.response.start", "status": 200, "headers": [(b"content-type", b"text/event-stream")]})
        await send({"type": "http.response.body", "body": b"data: one\n\n", "more_body": True})
        while (await receive())["type"] != "http.disconnect":
            pass
        left.append(scope["path"])

    return answer


@app.function(image=image)
@modal.concurrent(max_inputs=10)
@modal.asgi_app()
def sockets():
    from fastapi import FastAPI, WebSocket, WebSocketDisconnect

    api = FastAPI()
    closed = []

    @api.websocket("/")
    async def echo(socket: WebSocket):
        wanted = socket.scope["subprotocols"]
        await socket.accept(subprotocol=wanted[-1] if wanted else None)
        try:
            while True:
                message = await socket.receive()
                if message["type"] == "websocket.disconnect":
                    closed.append(message["code"])
                    return
                if message.get("text") == "bye":
                    await socket.close(code=4321, reason="as you wish")
                    return
                if message.get("bytes") is not None:
                    await socket.send_bytes(message["bytes"])
                else:
                    await socket.send_text(message["text"])
        except WebSocketDisconnect as left:
            closed.append(left.code)

    @api.get("/closed")
    async def of_clients():
        return closed

    return api


@app.function(image=image)
@modal.concurrent(max_inputs=10)
@modal.wsgi_app()
def threads():
    import threading

    from flask import Flask, Response, request, stream_with_context

    flask_app = Flask(__name__)
    both = threading.Barrier(2, timeout=10)

    @flask_app.get("/meet")
    def meet():
        # Two requests at once, or neither gets an answer.
        both.wait()
        return "met"

    @flask_app.post("/count")
    def count():
        def lines():
            for number, piece in enumerate(iter(lambda: request.stream.read(65536), b"")):
                yield f"{number} {len(piece)}\n"

        return Response(stream_with_context(lines()), mimetype="text/plain")

    return flask_app


@app.function(image=image)
@modal.web_server(8000, startup_timeout=2)
def deaf():
    pass


@app.function(image=image)
@modal.web_server(8000, startup_timeout=20)
def mortal():
    import subprocess

    program = """
import http.server, os
class Handler(http.server.BaseHTTPRequestHandler):
    def do_GET(self):
        if self.path == "/die":
            os._exit(3)
        body = f"{os.getpid()} {self.headers.get('x-forwarded-for')}".encode()
        self.send_response(200)
        self.send_header("content-length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)
http.server.ThreadingHTTPServer(("0.0.0.0", 8000), Handler).serve_forever()
"""
    subprocess.Popen(["python", "-c", program])
