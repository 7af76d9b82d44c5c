import os

import modal

app = modal.App("greeting")
image = modal.Image.debian_slim().pip_install("fastapi[standard]")
VERSION = 1


@app.cls(image=image, max_containers=2, scaledown_window=60)
@modal.concurrent(max_inputs=10)
class Greeter:
    name: str = modal.parameter()
    times: int = modal.parameter(default=1)
    loud: bool = modal.parameter(default=False)
    mark: bytes = modal.parameter(default=b"!")

    @modal.enter()
    def begin(self):
        self.greeting = f"Hello {self.name}{self.mark.decode('latin-1')}"

    @modal.fastapi_endpoint()
    def greet(self, extra: str = ""):
        text = " ".join([self.greeting] * self.times)
        return {
            "text": text.upper() if self.loud else text,
            "types": [type(value).__name__ for value in (self.name, self.times, self.loud, self.mark)],
            "extra": extra,
            "container": os.environ["MODAL_TASK_ID"],
            "version": VERSION,
        }

    @modal.fastapi_endpoint()
    def where(self):
        return {"container": os.environ["MODAL_TASK_ID"]}
