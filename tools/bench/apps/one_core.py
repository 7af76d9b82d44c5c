"""A container that answers as fast as one can: what is measured before it is then the proxy."""

import modal

image = modal.Image.debian_slim(python_version="3.11").apt_install("nginx-light")
app = modal.App("one-core", image=image)

CONFIG = """
user root;
pid /tmp/nginx.pid;
events { worker_connections 4096; }
http {
  access_log off;
  server {
    listen 0.0.0.0:8000;
    keepalive_requests 100000000;
    location / { default_type text/plain; return 200 "BODY"; }
  }
}
"""


@app.function(min_containers=1, max_containers=1)
@modal.concurrent(max_inputs=4000)
@modal.web_server(8000)
def fast():
    import subprocess
    from pathlib import Path

    Path("/tmp/nginx.conf").write_text(CONFIG.replace("BODY", "x" * 100))
    subprocess.Popen(["nginx", "-c", "/tmp/nginx.conf"])
