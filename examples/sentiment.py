"""A class that loads its model once for each container, and answers from it: two endpoints, one model."""

import modal

image = modal.Image.debian_slim().pip_install("fastapi[standard]")
app = modal.App("sentiment", image=image)


@app.cls(scaledown_window=120)
@modal.concurrent(max_inputs=20)
class Model:
    @modal.enter()
    def load(self):
        # A real one would read weights here; requests wait until this is done.
        self.weights = {"good": 1, "great": 2, "bad": -1, "awful": -2}

    def score(self, text: str) -> int:
        return sum(self.weights.get(word, 0) for word in text.lower().split())

    @modal.fastapi_endpoint()
    def one(self, text: str):
        return {"text": text, "score": self.score(text)}

    @modal.fastapi_endpoint(method="POST")
    def many(self, texts: list[str]):
        return [{"text": text, "score": self.score(text)} for text in texts]
