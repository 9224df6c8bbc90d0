"""Runs a pod of one container over a runtime's CRI socket, as the kubelet does, and removes it.

    cri.py SOCKET IMAGE ANNOTATIONS COMMAND...     annotations as NAME=VALUE,NAME=VALUE

The messages are those of <https://github.com/kubernetes/cri-api/blob/v0.34.0/pkg/apis/runtime/v1/api.proto>, by the numbers of their
fields; curl speaks HTTP/2, on which gRPC is one frame each way.
"""

import subprocess
import sys
import time

OF_THE_NODE = 2
EXITED = 2


def number(value):
    encoded = bytearray()
    while value > 0x7F:
        encoded.append(value & 0x7F | 0x80)
        value >>= 7
    return bytes(encoded + bytes([value]))


def message(fields):
    """Of (number, value) pairs: whole numbers, texts, messages."""
    encoded = b""
    for field, value in fields:
        if isinstance(value, int):
            encoded += number(field << 3) + number(value)
        else:
            value = value.encode() if isinstance(value, str) else value
            encoded += number(field << 3 | 2) + number(len(value)) + value
    return encoded


def texts(field, pairs):
    return [(field, message([(1, name), (2, value)])) for name, value in pairs.items()]


def fields(encoded):
    """Of an answer: whole numbers and what has a length."""
    def whole():
        nonlocal at
        value = shift = 0
        while True:
            byte = encoded[at]
            value |= (byte & 0x7F) << shift
            at, shift = at + 1, shift + 7
            if byte < 0x80:
                return value

    found, at = {}, 0
    while at < len(encoded):
        tag = whole()
        value = whole()
        if tag & 7 == 2:
            value, at = encoded[at : at + value], at + value
        found.setdefault(tag >> 3, value)
    return found


def has_ended(container):
    status = fields(call("ContainerStatus", message([(1, container)])))
    return fields(status[1]).get(3) == EXITED


def call(method, request):
    frame = b"\0" + len(request).to_bytes(4, "big") + request
    curl = ["curl", "--silent", "--show-error", "--verbose", "--http2-prior-knowledge", "--max-time", "25"]
    curl += ["--unix-socket", SOCKET, "-H", "content-type: application/grpc", "-H", "te: trailers", "--data-binary", "@-"]
    answer = subprocess.run(
        [*curl, f"http://localhost/runtime.v1.RuntimeService/{method}"], input=frame, capture_output=True
    )
    if answer.returncode != 0 or len(answer.stdout) < 5:
        said = [line for line in answer.stderr.decode(errors="replace").splitlines() if "grpc-" in line or "curl:" in line]
        sys.exit(f"{method}: {said}")
    return answer.stdout[5:]


SOCKET, IMAGE, ANNOTATIONS, *COMMAND = sys.argv[1:]
annotations = dict(pair.split("=", 1) for pair in ANNOTATIONS.split(",") if pair)
names = {"io.kubernetes.pod.name": "web-1", "io.kubernetes.pod.namespace": "shop", "io.kubernetes.pod.uid": "1"}
# The network of the node, so that there is none to be made.
namespaces = message([(1, OF_THE_NODE)])
pod = message(
    [(1, message([(1, "web-1"), (2, "1"), (3, "shop")]))]
    + texts(6, {**names, "app": "web"})
    + texts(7, annotations)
    + [(8, message([(1, "/kubepods/besteffort/pod1"), (2, message([(1, namespaces)]))]))]
)
sandbox = fields(call("RunPodSandbox", message([(1, pod)])))[1].decode()
try:
    container = message(
        [(1, message([(1, "app")])), (2, message([(1, IMAGE)]))]
        + [(3, word) for word in COMMAND]
        + texts(9, {**names, "io.kubernetes.container.name": "app"})
        + [(15, message([(2, message([(3, namespaces)]))]))]
    )
    made = fields(call("CreateContainer", message([(1, sandbox), (2, container), (3, pod)])))[1].decode()
    call("StartContainer", message([(1, made)]))
    deadline = time.monotonic() + 25
    while not has_ended(made):
        if time.monotonic() > deadline:
            sys.exit("the container does not end")
        time.sleep(0.05)
    print(made)
finally:
    call("StopPodSandbox", message([(1, sandbox)]))
    call("RemovePodSandbox", message([(1, sandbox)]))
