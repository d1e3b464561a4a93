"""Serves a script-mode model as SageMaker's inference toolkit does. A program of its own: it imports nothing of the bridge.

GET /ping answers 200 once the model is loaded; POST /invocations runs input_fn, predict_fn and output_fn of the program named by
SAGEMAKER_PROGRAM in SAGEMAKER_SUBMIT_DIRECTORY (https://docs.aws.amazon.com/sagemaker/latest/dg/your-algorithms-inference-code.html).
What a program may import of the container is `worker.Response` of sagemaker_containers, with which output_fn gives a status of its own.
The host talks to it through a pipe as standard input: when that closes, the host is gone and so is this process.
"""
from __future__ import annotations

import importlib.util
import inspect
import json
import os
import sys
import threading
import traceback
import types
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any, Callable

JSON = "application/json"


class Response:
    """An answer with its status, as output_fn may return it instead of a body. Takes what the toolkit's takes. `accept` has no effect there either,
    and of the headers InvokeEndpoint passes on the content type alone
    (https://github.com/aws/sagemaker-containers/blob/master/src/sagemaker_containers/_worker.py and _transformer.py)."""

    def __init__(self, response: Any = None, accept: Any = None, status: int = 200, headers: Any = None, mimetype: str | None = None,
                 direct_passthrough: bool = False) -> None:  # fmt: skip
        self.body = "" if response is None else response
        self.status, self.content_type = int(status), mimetype or JSON


def offer_response() -> None:
    """Makes `from sagemaker_containers.beta.framework import worker` work, as in the container."""
    names = ["sagemaker_containers", "sagemaker_containers.beta", "sagemaker_containers.beta.framework", "sagemaker_containers.beta.framework.worker"]
    sys.modules.update({name: types.ModuleType(name) for name in names})
    for parent, child in zip(names, names[1:]):
        setattr(sys.modules[parent], child.rpartition(".")[2], sys.modules[child])
    setattr(sys.modules[names[-1]], "Response", Response)


def load_program() -> Any:
    """The user's module, with its folder on the import path."""
    folder = os.environ["SAGEMAKER_SUBMIT_DIRECTORY"]
    path = os.path.join(folder, os.environ["SAGEMAKER_PROGRAM"])
    sys.path.insert(0, folder)
    spec = importlib.util.spec_from_file_location("program", path)
    if spec is None or spec.loader is None or not os.path.exists(path):
        raise FileNotFoundError(f"there is no {os.environ['SAGEMAKER_PROGRAM']} in the model archive's code folder")
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def default_input(body: bytes, content_type: str) -> Any:
    """What the toolkit does without input_fn, for JSON; other types need the program's own."""
    if content_type.split(";")[0].strip() != JSON:
        raise ValueError(f"no input_fn and content type {content_type}: define input_fn")
    return json.loads(body)


def default_output(prediction: Any, accept: str) -> Any:
    """What the toolkit does without output_fn, for JSON."""
    return json.dumps(prediction.tolist() if hasattr(prediction, "tolist") else prediction), JSON


class Model:
    """The user's functions, with the toolkit's defaults where there are any."""

    def __init__(self) -> None:
        offer_response()
        program = load_program()
        for name in ("model_fn", "predict_fn"):
            if not hasattr(program, name):
                raise AttributeError(f"{os.environ['SAGEMAKER_PROGRAM']} has no {name}")
        self.model = program.model_fn(os.environ["SM_MODEL_DIR"])
        self.input_fn: Callable = getattr(program, "input_fn", default_input)
        self.predict_fn: Callable = program.predict_fn
        self.output_fn: Callable = getattr(program, "output_fn", default_output)

    def answer(self, body: bytes, content_type: str, accept: str) -> Any:
        """A Response, (body, content type), or (iterator of chunks, content type) when predict_fn is a generator."""
        prediction = self.predict_fn(self.input_fn(body, content_type), self.model)
        if inspect.isgenerator(prediction):
            return prediction, accept
        output = self.output_fn(prediction, accept)
        return output if isinstance(output, (tuple, Response)) else (output, accept)


def encoded(text: Any) -> bytes:
    return text if isinstance(text, bytes) else str(text).encode()


class Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    model: Model

    def do_GET(self) -> None:
        self._send(200 if self.path == "/ping" else 404, b"", "text/plain")

    def do_POST(self) -> None:
        body = self.rfile.read(int(self.headers.get("content-length") or 0))
        if self.path != "/invocations":
            return self._send(404, b"", "text/plain")
        accept = self.headers.get("accept") or JSON
        try:
            answer = self.model.answer(body, self.headers.get("content-type") or JSON, JSON if accept == "*/*" else accept)
        except Exception as error:  # noqa: BLE001 - whatever the program raises is a model error, as in the toolkit
            traceback.print_exc()
            return self._send(500, str(error).encode(), "text/plain")
        if isinstance(answer, Response):
            return self._send(answer.status, encoded(answer.body), answer.content_type)
        output, content_type = answer
        if inspect.isgenerator(output):
            return self._stream(output, content_type)
        self._send(200, encoded(output), content_type)

    def _send(self, status: int, body: bytes, content_type: str) -> None:
        self.send_response(status)
        self.send_header("content-type", content_type)
        self.send_header("content-length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def _stream(self, chunks: Any, content_type: str) -> None:
        self.send_response(200)
        self.send_header("content-type", content_type)
        self.send_header("transfer-encoding", "chunked")
        self.end_headers()
        try:
            for chunk in chunks:
                data = encoded(chunk)
                self.wfile.write(b"%x\r\n%s\r\n" % (len(data), data))
            self.wfile.write(b"0\r\n\r\n")
        except Exception:  # noqa: BLE001 - an unfinished chunked body is how a container shows a broken stream
            traceback.print_exc()
            self.close_connection = True

    def log_message(self, format: str, *args: Any) -> None:
        if args and "/ping" not in str(args[0]):
            super().log_message(format, *args)


class Server(ThreadingHTTPServer):
    """Queues as many new connections as a web server does: above Python's 5 the kernel drops them, and the caller's tries again after a second."""

    request_queue_size = 511


def exit_with_host() -> None:
    while os.read(0, 4096):
        pass
    os._exit(0)


def main() -> None:
    threading.Thread(target=exit_with_host, daemon=True).start()
    Handler.model = Model()
    Server(("127.0.0.1", int(os.environ["SAGEMAKER_BIND_TO_PORT"])), Handler).serve_forever()


if __name__ == "__main__":
    main()
