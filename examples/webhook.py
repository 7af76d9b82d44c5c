"""A webhook: the sender signs the body with a shared secret, and nobody else is believed."""

import hashlib
import hmac
import os

import modal

image = modal.Image.debian_slim().pip_install("fastapi[standard]")
app = modal.App("webhook", image=image)

with image.imports():
    from fastapi import HTTPException, Request


@app.function(secrets=[modal.Secret.from_name("webhook-key")])
@modal.fastapi_endpoint(method="POST", label="webhook")
async def receive(request: "Request"):
    body = await request.body()
    expected = hmac.new(os.environ["WEBHOOK_KEY"].encode(), body, hashlib.sha256).hexdigest()
    if not hmac.compare_digest(request.headers.get("x-signature", "").encode(), expected.encode()):
        raise HTTPException(401, "the signature is wrong")
    event = await request.json()
    print(f"believed: {event['kind']}")
    return {"believed": event["kind"]}
