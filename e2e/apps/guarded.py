"""Endpoints that ask for a proxy token, and that say which environment and version they are of."""

import os

import modal

image = modal.Image.debian_slim(python_version="3.11").pip_install("fastapi[standard]")
app = modal.App("guarded")
VERSION = 1


@app.function(image=image, secrets=[modal.Secret.from_name("place")])
@modal.fastapi_endpoint()
def place():
    return {"place": os.environ["PLACE"], "version": VERSION}


@app.function(image=image)
@modal.fastapi_endpoint(requires_proxy_auth=True)
def inner():
    return "in"
