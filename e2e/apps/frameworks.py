"""What people bring along: frameworks, bare callables, tokens of their own, labels, URLs in code."""

import os

import modal

image = modal.Image.debian_slim(python_version="3.11").pip_install(
    "fastapi[standard]", "flask", "django", "python-fasthtml"
)
app = modal.App("frameworks")


@app.function(image=image, max_containers=1)
@modal.concurrent(max_inputs=20)
@modal.asgi_app(label="any-method")
def methods():
    from fastapi import BackgroundTasks, FastAPI, Request

    api = FastAPI()
    done = []

    @api.api_route("/", methods=["GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"])
    async def any_method(request: Request):
        return {"method": request.method, "body": (await request.body()).decode()}

    @api.post("/later")
    async def later(tasks: BackgroundTasks):
        tasks.add_task(done.append, "done")
        return {"accepted": True}

    @api.get("/done")
    async def list_done():
        return done

    @api.get("/me")
    async def me(request: Request):
        return {"host": request.client.host, "headers": dict(request.headers)}

    return api


@app.function(image=image)
@modal.asgi_app()
def fast_html():
    from fasthtml.common import H1, fast_app

    html, route = fast_app()

    @route("/")
    def get():
        return H1("Hello from FastHTML")

    return html


@app.function(image=image)
@modal.concurrent(max_inputs=5)
@modal.asgi_app()
def bare():
    async def answer(scope, receive, send):
        if scope["type"] == "lifespan":
            scope["state"]["kept"] = "since the start"
            while True:
                message = await receive()
                await send({"type": message["type"] + ".complete"})
                if message["type"] == "lifespan.shutdown":
                    return
        start = {"type": "http.response.start", "status": 200, "headers": [(b"trailer", b"x-checksum")]}
        await send({**start, "trailers": True})
        await send({"type": "http.response.body", "body": scope["state"]["kept"].encode()})
        await send({"type": "http.response.trailers", "headers": [(b"x-checksum", b"abc")]})

    return answer


@app.function(image=image)
@modal.concurrent(max_inputs=5)
@modal.wsgi_app()
def django():
    from django.conf import settings
    from django.core.wsgi import get_wsgi_application
    from django.http import HttpResponse, JsonResponse, StreamingHttpResponse
    from django.urls import path

    def hello(request, name):
        return JsonResponse({"hello": name, "by": request.META["REMOTE_ADDR"]})

    def size(request):
        return HttpResponse(str(sum(len(piece) for piece in iter(lambda: request.read(65536), b""))))

    def lines(_request):
        return StreamingHttpResponse(f"line {number}\n" for number in range(3))

    urls = type("urls", (), {"urlpatterns": [path("hello/<name>", hello), path("size", size), path("lines", lines)]})
    settings.configure(ALLOWED_HOSTS=["*"], ROOT_URLCONF=urls, DEBUG=False, SECRET_KEY="of a test")
    return get_wsgi_application()


@app.function(image=image, secrets=[modal.Secret.from_name("auth-token")])
@modal.asgi_app()
def guarded():
    from fastapi import Depends, FastAPI, HTTPException
    from fastapi.security import HTTPAuthorizationCredentials, HTTPBearer

    api = FastAPI()
    bearer = HTTPBearer()

    @api.get("/")
    async def secret(token: HTTPAuthorizationCredentials = Depends(bearer)):
        if token.credentials != os.environ["AUTH_TOKEN"]:
            raise HTTPException(401, "Incorrect bearer token")
        return "in"

    return api


@app.function(image=image)
@modal.fastapi_endpoint(docs=True)
def urls():
    from_name = modal.Function.from_name("frameworks", "methods").get_web_url()
    return {"own": urls.get_web_url(), "of another": from_name, "token": os.environ.get("AUTH_TOKEN")}


@app.function(image=image)
@modal.fastapi_endpoint()
def a_function_whose_name_is_much_longer_than_what_a_host_name_has_room_for():
    return "long"


@app.function(image=image)
@modal.web_server(8000, startup_timeout=30)
def sockets():
    import subprocess

    program = """
import fastapi, uvicorn
api = fastapi.FastAPI()
@api.websocket("/")
async def echo(socket: fastapi.WebSocket):
    await socket.accept()
    async for text in socket.iter_text():
        await socket.send_text("served " + text)
uvicorn.run(api, host="0.0.0.0", port=8000)
"""
    subprocess.Popen(["python", "-c", program])
