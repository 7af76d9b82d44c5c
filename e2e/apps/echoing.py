"""Two servers that send back each message that they get: one on the platform's own runner, one on a port."""

import modal

image = modal.Image.debian_slim(python_version="3.11").pip_install("fastapi[standard]", "flask")
app = modal.App("echoing")


@app.function(image=image, max_containers=1)
@modal.concurrent(max_inputs=100)
@modal.asgi_app()
def asgi():
    from fastapi import FastAPI, WebSocket

    api = FastAPI()
    heard = []

    @api.websocket("/")
    async def echo(socket: WebSocket):
        await socket.accept()
        while (message := await socket.receive())["type"] != "websocket.disconnect":
            if message.get("text") == "more than 2 MiB":
                await socket.send_bytes(bytes(2 * 1024 * 1024 + 1))
            elif message.get("text") is not None:
                await socket.send_text(message["text"])
            else:
                await socket.send_bytes(message["bytes"])
        heard.append(message["code"])

    @api.get("/heard")
    async def codes():
        return heard

    return api


@app.function(image=image, max_containers=1)
@modal.concurrent(max_inputs=100)
@modal.web_server(8000, startup_timeout=20)
def server():
    import subprocess

    program = """
import asyncio
from websockets.asyncio.server import serve

async def echo(socket):
    async for message in socket:
        await socket.send(bytes(2 * 1024 * 1024 + 1) if message == "more than 2 MiB" else message)

async def main():
    async with serve(echo, "0.0.0.0", 8000, max_size=None):
        await asyncio.get_running_loop().create_future()

asyncio.run(main())
"""
    subprocess.Popen(["python", "-c", program])
