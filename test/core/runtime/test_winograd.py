import pytest
import torch
from torch import nn

from s2iammask_core.runtime.prepare import PreparedNetwork
from s2iammask_core.runtime.winograd import WinogradConv2d, use_winograd


@pytest.mark.parametrize("size", [(8, 8), (9, 9), (7, 10)])
@pytest.mark.parametrize("padding", [0, 1])
def test_it_computes_the_convolution(size, padding):
    conv = nn.Conv2d(5, 7, 3, padding=padding).requires_grad_(False)
    x = torch.randn(2, 5, *size)

    torch.testing.assert_close(WinogradConv2d(conv)(x), conv(x), rtol=1e-4, atol=1e-4)


def test_only_large_plain_convolutions_are_replaced():
    module = nn.Sequential(
        nn.Conv2d(512, 1024, 3),
        nn.Conv2d(512, 1024, 3, stride=2),
        nn.Conv2d(512, 1024, 3, dilation=2),
        nn.Conv2d(512, 1024, 1),
        nn.Conv2d(512, 1024, 3, bias=False),
        nn.Conv2d(64, 64, 3),
    )

    use_winograd(module)

    assert [type(each) for each in module] == [WinogradConv2d, *[nn.Conv2d] * 5]


@pytest.mark.parametrize(("dtype", "tolerance"), [(torch.float32, 1e-4), (torch.bfloat16, 0.05)])
def test_a_network_with_it_stays_near(random_network, patches, rois, outputs, dtype, tolerance):
    wanted = outputs(random_network(backbone="resnet50", memory=False), patches, rois)
    prepared = PreparedNetwork(random_network(backbone="resnet50", memory=False), torch.device("cpu"), dtype)
    use_winograd(prepared.module)
    use_winograd(prepared.searches)

    found = outputs(prepared, patches, rois)

    replaced = [each for each in prepared.module.modules() if isinstance(each, WinogradConv2d)]
    assert replaced
    assert all(float((found[k] - wanted[k]).norm() / wanted[k].norm()) < tolerance for k in wanted)
