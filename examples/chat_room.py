"""WebSockets: everybody in the room gets what anybody says."""

import modal

image = modal.Image.debian_slim().pip_install("fastapi[standard]")
app = modal.App("chat-room", image=image)


@app.function(max_containers=1)  # Everybody must be in the same container.
@modal.concurrent(max_inputs=1000)
@modal.asgi_app()
def room():
    from fastapi import FastAPI, WebSocket, WebSocketDisconnect

    web = FastAPI()
    guests: dict[WebSocket, str] = {}

    async def say(text: str) -> None:
        for guest in list(guests):
            await guest.send_text(text)

    @web.websocket("/{name}")
    async def join(socket: WebSocket, name: str) -> None:
        await socket.accept()
        guests[socket] = name
        await say(f"{name} comes in")
        try:
            async for text in socket.iter_text():
                await say(f"{name}: {text}")
        except WebSocketDisconnect:
            pass
        del guests[socket]
        await say(f"{name} has left")

    return web
