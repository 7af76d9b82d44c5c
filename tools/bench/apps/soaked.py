"""What the soak keeps busy: five apps of five kinds that say their version. The values below are written by the soak."""

import modal

KIND = "endpoint"
VERSION = 1
MIN_CONTAINERS = 0

image = modal.Image.debian_slim(python_version="3.11").pip_install("fastapi[standard]", "flask")
app = modal.App(f"soaked-{KIND}", image=image)
options = {"min_containers": MIN_CONTAINERS, "max_containers": 2, "scaledown_window": 3}

if KIND == "endpoint":

    @app.function(**options)
    @modal.concurrent(max_inputs=20)
    @modal.fastapi_endpoint(label="soaked-endpoint")
    async def endpoint():
        return {"version": VERSION}


if KIND == "asgi":

    @app.function(**options)
    @modal.concurrent(max_inputs=20)
    @modal.asgi_app(label="soaked-asgi")
    def asgi():
        import asyncio

        from fastapi import FastAPI
        from fastapi.responses import StreamingResponse

        api = FastAPI()

        @api.get("/")
        async def pieces():
            async def generate():
                yield '{"version": '
                await asyncio.sleep(0.02)
                yield f"{VERSION}}}"

            return StreamingResponse(generate())

        return api


if KIND == "wsgi":

    @app.function(**options)
    @modal.concurrent(max_inputs=20)
    @modal.wsgi_app(label="soaked-wsgi")
    def wsgi():
        from flask import Flask

        web = Flask(__name__)
        web.get("/")(lambda: {"version": VERSION})
        return web


if KIND == "class":

    @app.cls(**options)
    @modal.concurrent(max_inputs=20)
    class Model:
        @modal.enter()
        def load(self):
            self.version = VERSION

        @modal.fastapi_endpoint(label="soaked-class")
        async def answer(self):
            return {"version": self.version}


if KIND == "server":

    @app.function(**options)
    @modal.concurrent(max_inputs=20)
    @modal.web_server(8000, startup_timeout=20, label="soaked-server")
    def server():
        import subprocess

        program = f"""
import http.server
class Handler(http.server.BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    def do_GET(self):
        body = b'{{"version": {VERSION}}}'
        self.send_response(200)
        self.send_header("content-length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)
    def log_message(self, *_):
        pass
http.server.ThreadingHTTPServer(("0.0.0.0", 8000), Handler).serve_forever()
"""
        subprocess.Popen(["python", "-c", program])
