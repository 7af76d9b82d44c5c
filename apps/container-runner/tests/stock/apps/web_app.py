"""Web functions of every kind, for the tests with the real client."""

import asyncio
import threading
import time
from contextlib import asynccontextmanager

import modal

app = modal.App("runner-tests")


@app.function()
@modal.fastapi_endpoint(docs=True)
def hello(name: str = "world"):
    return {"hello": name, "local": modal.is_local(), "input": modal.current_input_id()}


@app.function()
@modal.asgi_app()
def life():
    from fastapi import FastAPI, Request, Response, WebSocket
    from fastapi.responses import StreamingResponse

    @asynccontextmanager
    async def lifespan(_web):
        print("LIFESPAN start", flush=True)
        yield {"number": 42}
        print("LIFESPAN stop", flush=True)

    web = FastAPI(lifespan=lifespan)

    @web.middleware("http")
    async def marked(request: Request, call_next):
        response: Response = await call_next(request)
        response.headers["x-marked"] = "yes"
        return response

    @web.get("/slow")
    async def slow(request: Request):
        await asyncio.sleep(float(request.query_params.get("seconds", "1")))
        return {"state": request.state.number, "client": request.client.host, "headers": dict(request.headers)}

    @web.get("/stream")
    async def stream():
        async def parts():
            for number in range(3):
                yield f"part {number}\n"
                await asyncio.sleep(0.05)

        return StreamingResponse(parts(), media_type="text/plain")

    @web.post("/size")
    async def size(request: Request):
        size = len(await request.body())
        return {"size": size, "input": modal.current_input_id(), "call": modal.current_function_call_id()}

    @web.get("/boom")
    async def boom():
        raise ValueError("boom in a handler")

    @web.websocket("/ws")
    async def echo(socket: WebSocket):
        await socket.accept()
        await socket.send_text("echo " + await socket.receive_text())
        await socket.close(4001, "bye")

    return web


@app.function()
@modal.wsgi_app()
def flask():
    from flask import Flask, Response, request

    web = Flask(__name__)

    @web.get("/")
    def root():
        return "flask " + request.args.get("q", "") + " " + (request.remote_addr or "") + f" {modal.current_input_id()}"

    @web.post("/upload")
    def upload():
        return f"{len(request.get_data())} {request.headers.get('Transfer-Encoding')}"

    @web.get("/parts")
    def parts():
        def generate():
            for number in range(3):
                yield f"part {number}\n"
                time.sleep(0.02)

        return Response(generate(), mimetype="text/plain")

    @web.get("/thread")
    def thread():
        return threading.current_thread().name

    @web.get("/boom")
    def boom():
        raise ValueError("boom in flask")

    @web.get("/length")
    def length():
        # The client's WSGI bridge would hang for ever if its sender died of this.
        return Response(iter([b"too", b"long"]), headers={"content-length": "3"})

    return web


@app.cls()
class Model:
    @modal.enter()
    def up(self):
        self.x = 7
        print("ENTER", flush=True)

    @modal.fastapi_endpoint(method="GET")
    def one(self, q: int = 1):
        return {"one": self.x * q}

    @modal.asgi_app()
    def two(self):
        async def raw(scope, receive, send):
            await send({"type": "http.response.start", "status": 200, "headers": [(b"content-type", b"text/plain")]})
            await send({"type": "http.response.body", "body": f"two {self.x}".encode()})

        return raw

    @modal.exit()
    def down(self):
        print("EXIT hook", flush=True)


@app.cls()
class Broken:
    @modal.enter()
    def up(self):
        raise RuntimeError("enter hook is broken")

    @modal.fastapi_endpoint()
    def one(self):
        return 1


@app.function()
@modal.asgi_app()
def bad_lifespan():
    from fastapi import FastAPI

    @asynccontextmanager
    async def lifespan(_web):
        raise RuntimeError("no lifespan today")
        yield

    return FastAPI(lifespan=lifespan)


@app.function()
def plain(x):
    return x * 2
