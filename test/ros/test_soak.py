"""The soak of demo/soak.py, some seconds of it."""

import os

from demo.soak import Soak, findings


def test_nothing_grows_and_every_image_is_accounted_for(world, make_node):
    node = make_node(report_period=0.25, max_targets=3, remap={"image": "/camera/image_raw"})
    world.spin_until(lambda: node.pipeline and node.pipeline.cameras)
    soak = world.add(Soak(rate=30.0, process=os.getpid(), context=world.context))

    world.spin_for(8.0)
    soak.calm_down()
    world.spin_for(1.0)

    found = findings(soak)
    assert found.errors == ()
    assert found.starts > 2
    assert found.stops > 0
    assert found.received >= 0.5 * found.published
