"""Handlers that take longer than a request may wait."""

import asyncio
import time

import modal

image = modal.Image.debian_slim(python_version="3.11").pip_install("fastapi[standard]", "flask")
app = modal.App("long")


@app.function(image=image, max_containers=1)
@modal.concurrent(max_inputs=20)
@modal.asgi_app()
def patient():
    from fastapi import FastAPI, Request
    from fastapi.responses import JSONResponse, StreamingResponse

    web = FastAPI()
    started: list[str] = []
    ended: list[str] = []

    @web.post("/work")
    async def work(request: Request, name: str, seconds: float):
        started.append(name)
        body = await request.body()
        await asyncio.sleep(seconds)
        ended.append(name)
        return JSONResponse({"name": name, "body": body.decode()}, status_code=201, headers={"x-own": "yes"})

    @web.get("/large")
    async def large(name: str):
        started.append(name)
        await asyncio.sleep(2)

        async def pieces():
            for number in range(400):
                yield f"{number:08d}".encode() * 8192
            ended.append(name)

        return StreamingResponse(pieces(), media_type="application/octet-stream")

    @web.get("/seen")
    async def seen():
        return {"started": started, "ended": ended}

    return web


@app.function(image=image, max_containers=1)
@modal.wsgi_app()
def blocking():
    from flask import Flask, request

    web = Flask(__name__)

    @web.post("/")
    def work():
        time.sleep(3)
        return request.get_data()

    return web
