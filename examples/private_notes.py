"""A token of your own: `modal secret create notes-token NOTES_TOKEN=…`, then send it as a bearer token."""

import hmac
import os

import modal

image = modal.Image.debian_slim().pip_install("fastapi[standard]")
app = modal.App("private-notes", image=image)

with image.imports():
    from fastapi import Depends, HTTPException
    from fastapi.security import HTTPAuthorizationCredentials, HTTPBearer

    bearer = HTTPBearer()

    def checked(token: HTTPAuthorizationCredentials = Depends(bearer)) -> None:
        if not hmac.compare_digest(token.credentials.encode(), os.environ["NOTES_TOKEN"].encode()):
            raise HTTPException(401, "wrong token", {"WWW-Authenticate": "Bearer"})

    guard = Depends(checked)


@app.function(secrets=[modal.Secret.from_name("notes-token")])
@modal.asgi_app()
def notes():
    from fastapi import FastAPI

    web = FastAPI(dependencies=[guard])

    @web.get("/")
    async def read():
        return ["water the plants"]

    return web
