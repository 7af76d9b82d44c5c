"""Query parameters, a Pydantic model, docs, an ASGI app with lifespan and streaming, a Flask app, a class."""

import asyncio
import os

import modal

image = modal.Image.debian_slim(python_version="3.11").pip_install("fastapi[standard]", "flask")
app = modal.App("web")

with image.imports():
    from fastapi import FastAPI, Request, WebSocket
    from fastapi.responses import StreamingResponse
    from pydantic import BaseModel

    class Item(BaseModel):
        name: str
        price: float


@app.function(image=image)
@modal.fastapi_endpoint(docs=True)
def square(x: int, y: int = 1):
    return {"result": x * x + y, "version": 1}


@app.function(image=image, secrets=[modal.Secret.from_dict({"GREETING": "salut"})])
@modal.fastapi_endpoint(method="POST")
def order(item: "Item"):
    print(f"ordered {item.name}")
    return {"name": item.name, "total": item.price * 2, "greeting": os.environ["GREETING"]}


@app.function(image=image)
@modal.concurrent(max_inputs=20)
@modal.asgi_app(label="portal")
def portal():
    from contextlib import asynccontextmanager

    @asynccontextmanager
    async def lifespan(_api):
        yield {"started": "yes"}

    api = FastAPI(lifespan=lifespan)

    @api.get("/state")
    async def state(request: Request):
        return {"started": request.state.started, "client": request.client.host, "traceparent": request.headers.get("traceparent"), "xff": request.headers.get("x-forwarded-for")}

    @api.get("/stream")
    async def stream():
        async def chunks():
            for i in range(3):
                yield f"chunk {i}\n"
                await asyncio.sleep(0.2)

        return StreamingResponse(chunks(), media_type="text/plain")

    @api.post("/length")
    async def length(request: Request):
        size = 0
        async for chunk in request.stream():
            size += len(chunk)
        return {"size": size}

    @api.get("/boom")
    async def boom():
        raise RuntimeError("boom goes the handler")

    @api.websocket("/echo")
    async def echo(socket: WebSocket):
        await socket.accept()
        async for text in socket.iter_text():
            await socket.send_text(f"echo {text}")

    return api


@app.function(image=image)
@modal.wsgi_app()
def legacy():
    from flask import Flask, request

    flask_app = Flask(__name__)

    @flask_app.post("/upper")
    def upper():
        return request.get_data(as_text=True).upper()

    return flask_app


@app.cls(image=image)
class Counter:
    @modal.enter()
    def start(self):
        self.hits = 0

    @modal.fastapi_endpoint()
    def hit(self):
        self.hits += 1
        return {"hits": self.hits}

    @modal.fastapi_endpoint()
    def peek(self):
        return {"hits": self.hits}


@app.function(image=image)
@modal.web_server(8000, startup_timeout=20)
def files():
    import subprocess

    subprocess.Popen(["python", "-m", "http.server", "8000", "--directory", "/etc"])
