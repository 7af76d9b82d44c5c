"""Classes that start a server of their own (`@app.server`), and web servers that listen where nobody reaches them."""

import modal

image = modal.Image.debian_slim(python_version="3.11")
app = modal.App("servers")

PROGRAM = """
import http.server, os, sys, time
class Handler(http.server.BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    def do_GET(self):
        if self.path == "/die":
            os._exit(3)
        if self.path == "/slow":
            print("a slow request has begun", flush=True)
            time.sleep(3)
        body = f"{os.environ['MODAL_TASK_ID']} {os.environ.get('COLOUR', '')} {self.path}".encode()
        self.send_response(200)
        self.send_header("content-length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)
http.server.ThreadingHTTPServer((sys.argv[1], int(sys.argv[2])), Handler).serve_forever()
"""


def start(host: str, port: int):
    import subprocess

    return subprocess.Popen(["python", "-c", PROGRAM, host, str(port)])


@app.server(image=image, port=9000, env={"COLOUR": "blue"}, max_containers=1, exit_grace_period=10)
class Guarded:
    @modal.enter()
    def begin(self):
        self.process = start("0.0.0.0", 9000)

    @modal.exit()
    def end(self):
        print("the exit hook has run")
        self.process.terminate()


@app.server(image=image, unauthenticated=True, max_concurrency=2, max_containers=1, compute_region="eu")
class Open:
    @modal.enter()
    def begin(self):
        start("0.0.0.0", 8000)


@app.server(image=image, unauthenticated=True, min_containers=2, max_containers=2)
class Pair:
    @modal.enter()
    def begin(self):
        start("0.0.0.0", 8000)


GRPC = """
import grpc
from concurrent import futures

def shout(request, context):
    context.set_trailing_metadata((("x-told", dict(context.invocation_metadata()).get("x-says", "")),))
    return request.upper()

def refuse(request, context):
    context.abort(grpc.StatusCode.NOT_FOUND, "nothing of that name")

def echo(requests, context):
    for request in requests:
        yield request

methods = {
    "Shout": grpc.unary_unary_rpc_method_handler(shout),
    "Refuse": grpc.unary_unary_rpc_method_handler(refuse),
    "Echo": grpc.stream_stream_rpc_method_handler(echo),
}
server = grpc.server(futures.ThreadPoolExecutor(8))
server.add_generic_rpc_handlers((grpc.method_handlers_generic_handler("test.Service", methods),))
server.add_insecure_port("0.0.0.0:8000")
server.start()
server.wait_for_termination()
"""


@app.server(image=image.pip_install("grpcio"), unauthenticated=True, max_containers=1, h2_enabled=True)
class Grpc:
    @modal.enter()
    def begin(self):
        import subprocess

        subprocess.Popen(["python", "-c", GRPC])


@app.server(image=image, unauthenticated=True, startup_timeout=3)
class Inward:
    @modal.enter()
    def begin(self):
        start("127.0.0.1", 8000)


@app.server(image=image, unauthenticated=True, startup_timeout=3)
class Deaf:
    @modal.enter()
    def begin(self):
        pass


@app.function(image=image)
@modal.web_server(8000, startup_timeout=3)
def inward_web():
    start("127.0.0.1", 8000)


@app.function(image=image)
@modal.web_server(8000, startup_timeout=2)
def deaf_web():
    pass
