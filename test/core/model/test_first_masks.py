"""The part that finds the mask of a first box."""

import numpy as np
import pytest
import torch
import torch.nn.functional as F
from torchvision.models import resnet50

from s2iammask_core.config import NetworkConfig
from s2iammask_core.errors import WeightsError
from s2iammask_core.model import build_network
from s2iammask_core.model.first_masks import FIRST_PIXELS, Body, FirstMasks
from s2iammask_core.model.imagenet import MEAN_BGR, load_imagenet

SIDE = 79  # of patches, for speed; the part takes any


@pytest.fixture
def one_thread():
    before = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(before)


@pytest.fixture(scope="module")
def caffe(tmp_path_factory):
    """A ResNet-50 with random weights, its strides where Caffe's has them, and its file."""
    torch.manual_seed(3)
    network = resnet50(weights=None).eval()
    for layer in (network.layer2, network.layer3):
        layer[0].conv1.stride, layer[0].conv2.stride = (2, 2), (1, 1)
    for module in network.modules():
        if isinstance(module, torch.nn.BatchNorm2d):
            module.running_mean.normal_(0, 0.1)
            module.running_var.uniform_(0.8, 1.2)
    path = tmp_path_factory.mktemp("caffe") / "resnet50.npz"
    np.savez(path, **{name: value.numpy() for name, value in network.state_dict().items()})
    return network, path


@torch.no_grad()
def test_the_body_is_the_very_resnet_that_imagenet_taught(caffe):
    network, path = caffe
    network.double()
    body = Body((3, 4, 6)).eval()
    load_imagenet(body, path)
    body.double()
    patches = torch.rand(1, 3, SIDE, SIDE).double() * 255

    deep = body(patches, torch.zeros(1).double())[-1]

    # black around the patch, as our padding is before the mean is taken off
    bgr = F.pad(patches.flip(1), (3, 3, 3, 3)) - torch.tensor(MEAN_BGR)[:, None, None]
    stem = network.relu(network.bn1(F.conv2d(bgr, network.conv1.weight, stride=2)))
    x = F.max_pool2d(stem, 3, 2, ceil_mode=True)
    wanted = network.layer3(network.layer2(network.layer1(x)))
    torch.testing.assert_close(deep, wanted, rtol=1e-4, atol=1e-4)


def drawn():
    """Patches (4, 3, P, P) with two like discs each, boxes as masks around one of them, and its mask."""
    rows, columns = torch.meshgrid(torch.arange(SIDE), torch.arange(SIDE), indexing="ij")
    places = [((22, 25), (55, 52)), ((55, 52), (22, 25)), ((25, 55), (52, 22)), ((52, 22), (25, 55))]
    patches, boxes = torch.full((4, 3, SIDE, SIDE), 40.0), torch.zeros(4, SIDE, SIDE)
    masks = torch.zeros(4, SIDE, SIDE, dtype=torch.bool)
    for number, ((y, x), (other_y, other_x)) in enumerate(places):
        disc = (rows - y) ** 2 + (columns - x) ** 2 < 15**2
        other = (rows - other_y) ** 2 + (columns - other_x) ** 2 < 15**2
        patches[number, :, disc | other] = 200
        boxes[number, y - 15 : y + 15, x - 15 : x + 15] = 0.5
        masks[number] = disc
    return patches, boxes, masks


@pytest.mark.usefixtures("one_thread")
def test_it_learns_to_fill_the_box_and_not_what_looks_the_same():
    torch.manual_seed(1)
    part = FirstMasks().train()
    patches, boxes, masks = drawn()
    optimizer = torch.optim.AdamW(part.parameters(), lr=2e-3)

    for _ in range(25):
        loss = F.binary_cross_entropy_with_logits(part.logits(patches, boxes), masks.float())
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()

    with torch.no_grad():
        found = part(patches, boxes) > 0.5
    assert (found & masks).sum() / (found | masks).sum() > 0.8


@torch.no_grad()
def test_what_lies_outside_the_frame_is_as_what_lies_outside_the_box():
    part = FirstMasks().eval()
    torch.nn.init.normal_(part.box.weight)
    patches, boxes, _ = drawn()
    beyond = torch.where(boxes > 0, boxes, -1.0)

    torch.testing.assert_close(part(patches, beyond), part(patches, boxes))


def test_networks_have_it_where_they_remember_pixels():
    assert build_network(NetworkConfig()).first_pixels == FIRST_PIXELS
    for without in (
        NetworkConfig(memory=False),
        NetworkConfig(first_mask=False),
        NetworkConfig("siammask_box"),
    ):
        network = build_network(without)
        assert network.first_pixels == 0
        assert not any(name.startswith("first_masks") for name in network.state_dict())


def test_a_file_without_the_weights_of_the_body_is_refused(tmp_path):
    path = tmp_path / "none.npz"
    path.write_bytes(b"nothing")
    with pytest.raises(WeightsError, match="cannot read ImageNet weights"):
        load_imagenet(Body(), path)
