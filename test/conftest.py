"""A network without weights, and scenes for it to look at; and how tests are shared out to processes."""

import asyncio
import json
import os
import shutil
import struct
import sys
import tempfile
from contextlib import asynccontextmanager
from pathlib import Path

import cv2
import numpy as np
import pytest
import torch
import torch.nn.functional as F

from s2iammask_core.anchors import anchor_grid, encode
from s2iammask_core.box_ops import box_iou, to_centers, to_corners
from s2iammask_core.tracking.network import SearchOutput

ROS = "test/ros/"
RAY = "_on_ray.py"  # how the files end whose tests share a cluster
ON_LOOPBACK = {  # read when Ray is imported: everything listens on 127.0.0.1, nobody is told
    "RAY_ENABLE_WINDOWS_OR_OSX_CLUSTER": "0",
    "RAY_USAGE_STATS_ENABLED": "0",
    "RAY_AUTH_MODE": "disabled",
    "RAY_DEDUP_LOGS_SKIP_REGEX": ".",  # or it says on stdout, which tests read, who died
    "RAY_worker_niceness": "0",
}
RAY_NODE = {
    "num_cpus": 1,
    "object_store_memory": 80 * 2**20,  # bytes, about the least that Ray takes
    "include_log_monitor": False,  # nobody reads what it brings, and it takes a second
}
WORKERS = int(os.environ.get("PYTEST_XDIST_WORKER_COUNT", "1"))
if WORKERS > 1:  # they share the cores, and so do the processes that tests start
    THREADS = max((os.cpu_count() or 1) // WORKERS, 1)
    torch.set_num_threads(THREADS)
    cv2.setNumThreads(THREADS)
    os.environ["OMP_NUM_THREADS"] = os.environ["TORCHINDUCTOR_COMPILE_THREADS"] = str(THREADS)


def pytest_collection_modifyitems(items):
    """Where several processes share the tests, what takes longest comes first: none is left alone with it."""
    slow = {item.path for item in items if item.get_closest_marker("slow")}
    if WORKERS > 1:
        items.sort(key=lambda item: (ROS not in item.nodeid, RAY not in item.nodeid, item.path not in slow))


@pytest.hookimpl(optionalhook=True)
def pytest_xdist_make_scheduler(config, log):
    """One process runs all that needs ROS, since nodes keep real time, and one all that needs Ray, which
    takes long to begin; the tests of a file stay together, since they share what takes long to make.
    """
    from xdist.scheduler import LoadScopeScheduling

    config.option.loadscopereorder = (
        False  # the order of the tests is that of `pytest_collection_modifyitems`
    )

    class ByFile(LoadScopeScheduling):
        def _split_scope(self, nodeid):
            file = nodeid.split("::")[0]
            return next((part for part in (ROS, RAY) if part in file), file)

    return ByFile(config, log)


class ColourNetwork:
    """Finds whatever has the colour of the template's middle; each target looks for its own."""

    TOLERANCE = 40  # grey levels
    MASK = 28  # side of a mask
    memory_values = 0
    first_pixels = 0

    def __init__(self, mask_source="roi"):
        self.device = torch.device("cpu")
        self.mask_source = mask_source

    def template(self, patches, masks):
        middle = patches.shape[-1] // 2
        part = patches[:, :, middle - 4 : middle + 5, middle - 4 : middle + 5]
        return part.mean(dim=(2, 3))

    def search(self, templates, patches, prior):
        kernels = templates[:, :3, None, None]  # the colour
        alike = ((patches - kernels).abs().amax(dim=1, keepdim=True) < self.TOLERANCE).float()  # (N, 1, P, P)
        cells = (patches.shape[-1] - 127) // 8 + 9
        anchors = anchor_grid(cells) + torch.tensor([patches.shape[-1] / 2, patches.shape[-1] / 2, 0, 0])
        outputs = [self._look(each[0], anchors) for each in alike]
        scores = torch.stack([score for score, _ in outputs]).reshape(len(patches), 2, 5, cells, cells)
        deltas = torch.stack([delta.T for _, delta in outputs]).reshape(len(patches), 4, 5, cells, cells)
        return SearchOutput(scores, deltas, (alike,))

    def _look(self, alike, anchors):
        rows, columns = (alike > 0).nonzero(as_tuple=True)
        if len(rows) == 0:
            logits = torch.full((len(anchors),), -6.0)
            return torch.stack([torch.zeros_like(logits), logits]), torch.zeros_like(anchors)
        corners = torch.stack([columns.min(), rows.min(), columns.max() + 1, rows.max() + 1]).float()
        overlap = box_iou(to_corners(anchors), corners)
        logits = 8 * overlap / overlap.max() - 4
        return torch.stack([torch.zeros_like(logits), logits]), encode(to_centers(corners), anchors)

    def roi_masks(self, output, rois):
        (alike,) = output.features
        steps = (torch.arange(self.MASK) + 0.5) / self.MASK  # (M,)
        places = rois[..., :2, None] + (rois[..., 2:] - rois[..., :2])[..., None] * steps  # (N, K, 2, M)
        x, y = (places * 2 / alike.shape[-1] - 1).unbind(dim=2)
        grid = torch.stack(
            torch.broadcast_tensors(x[:, :, None, :], y[:, :, :, None]), dim=-1
        )  # (N, K, M, M, 2)
        flat = F.grid_sample(alike, grid.flatten(1, 2), align_corners=False)[:, 0]
        return (flat.unflatten(1, (rois.shape[1], self.MASK)) - 0.5) * 20

    def cell_masks(self, output, cells):
        side = output.scores.shape[-1]
        pixels = output.features[0].shape[-1]
        centers = (torch.stack([cells % side, cells // side], dim=-1) - (side - 1) / 2) * 8 + pixels / 2
        return self.roi_masks(output, torch.cat([centers - 63.5, centers + 63.5], dim=-1)[:, None])[:, 0]


RED, GREEN, BLUE = (220, 30, 40), (30, 200, 60), (40, 60, 230)


def draw_scene(*objects, height=240, width=320):
    """A frame with a smooth grey background and filled rectangles (x, y, width, height, colour)."""
    rows, columns = np.mgrid[:height, :width]
    shade = 120 + 30 * np.sin(columns / 25) * np.cos(rows / 31)
    frame = np.repeat(shade[..., None], 3, axis=2).astype(np.uint8)
    for x, y, w, h, colour in objects:
        frame[max(y, 0) : max(y + h, 0), max(x, 0) : max(x + w, 0)] = colour
    return frame


@pytest.fixture
def network():
    return ColourNetwork()


@pytest.fixture
def make_network():
    return ColourNetwork


@pytest.fixture
def scene():
    return draw_scene


@pytest.fixture
def colours():
    return RED, GREEN, BLUE


WITHOUT = """
import sys

class Absent:
    def find_spec(self, name, path=None, target=None):
        if name.partition(".")[0] in {absent!r}:
            raise ImportError(f"there is no {{name}}")

sys.meta_path.insert(0, Absent())
"""
PYTORCH = ("torch", "torchvision", "safetensors")
EXTRAS = (*PYTORCH, "onnx", "onnxruntime", "matplotlib", "skimage", "optuna", "tensorboard")


@pytest.fixture(scope="session")
def light():
    """Makes the command line of a program for an interpreter in which no extra packages are installed."""
    return lambda program, absent=EXTRAS: [sys.executable, "-c", WITHOUT.format(absent=absent) + program]


@pytest.fixture(scope="session")
def without_pytorch(light):
    """The same with all extras but PyTorch."""
    return lambda program: light(program, PYTORCH)


@pytest.fixture(scope="session")
def cluster():
    """A Ray cluster of two nodes on loopback; this process is connected to it."""
    os.environ |= ON_LOOPBACK
    ray = pytest.importorskip("ray")
    from ray.cluster_utils import Cluster

    folder = tempfile.mkdtemp(prefix="ray", dir="/tmp")  # the paths of sockets must be short
    Path("/tmp/ray").mkdir(exist_ok=True)  # where it notes its last cluster, and makes no folder for that
    head = {**RAY_NODE, "include_dashboard": False, "no_monitor": True, "temp_dir": folder}
    cluster = Cluster(initialize_head=True, head_node_args=head)
    cluster.add_node(**RAY_NODE)
    ray.init(cluster.address, log_to_driver=False, logging_level="error")
    yield cluster
    ray.shutdown()
    cluster.shutdown()
    shutil.rmtree(folder, ignore_errors=True)


@pytest.fixture(scope="module")
def travels(cluster, request):
    """What the test's file defines travels to processes of Ray whole, as they cannot import it."""
    from ray import cloudpickle

    cloudpickle.register_pickle_by_value(request.module)
    yield
    cloudpickle.unregister_pickle_by_value(request.module)


@pytest.fixture
def serving():
    """Serves a back end; the client stands for a browser on this machine."""
    pytest.importorskip("aiohttp", reason="pip install 's2iammask[page]'")
    from aiohttp.test_utils import TestClient, TestServer

    from s2iammask_core.page.access import Access
    from s2iammask_core.page.hub import Hub
    from s2iammask_core.page.server import Server

    @asynccontextmanager
    async def serve(backend, token="", host="127.0.0.1", hub=None):
        app = Server(backend, hub or Hub(rate=1000)).app(Access.of(host, token))
        async with TestClient(TestServer(app)) as client:
            yield client

    return serve


class Page:
    """What the page's own code does with a WebSocket."""

    def __init__(self, socket):
        self.socket = socket
        self.number = 0
        self.last = {}  # by type: what was heard while something else was waited for

    async def send(self, **message):
        await self.socket.send_str(json.dumps(message))

    async def hear(self, kind, **like):
        """The last message of that type that nobody has heard, or the next one, with these values."""

        async def wait():
            message = self.last.pop(kind, {})
            while message.get("type") != kind or not like.items() <= message.items():
                message = await self.next()
                self.last[message["type"]] = message
            return self.last.pop(kind, message)

        return await asyncio.wait_for(wait(), 30)

    async def hear_until(self, kind, holds):
        """The first message of that type for which holds(message) is true."""
        while not holds(message := await self.hear(kind)):
            pass
        return message

    async def next(self):
        message = await self.socket.receive()
        assert message.type.name in ("TEXT", "BINARY"), message
        if message.type.name == "TEXT":
            return json.loads(message.data)
        (length,) = struct.unpack_from("<I", message.data)
        header = json.loads(message.data[4 : 4 + length])
        await self.send(type="shown", camera=header["camera"], number=header["number"])
        return header | {"jpeg": message.data[4 + length :]}

    async def ask(self, **message):
        self.number += 1
        await self.send(request=self.number, **message)
        return await self.hear("answer", request=self.number)

    async def watch(self, *cameras, width=640):
        await self.send(type="watch", cameras=list(cameras) or [""], width=width)


@pytest.fixture
def opened():
    """A page in a browser."""

    @asynccontextmanager
    async def open_page(client):
        async with client.ws_connect("/ws") as socket:
            yield Page(socket)

    return open_page


@pytest.fixture
def run():
    return asyncio.run
