import torch

from s2iammask_core.config import TrackerConfig
from s2iammask_core.tracking.sharing import shared_regions
from s2iammask_core.tracking.voting import vote


def squares(*corners, side=100.0):
    return torch.tensor([[[x, y, x + side, y + side] for x, y in corners]])


CROWD = squares((50, 50), (52, 50), (50, 52), (120, 110), (122, 110), (124, 110))


def everyone(rois):
    return torch.ones(rois.shape[:2], dtype=torch.bool)


def test_without_a_limit_every_region_has_its_own_vote():
    for count in (0, 6, 9):
        rois, votes = shared_regions(CROWD, everyone(CROWD), count)

        assert torch.equal(rois, CROWD)
        assert votes.tolist() == [[1] * 6]


def test_a_region_in_each_crowd_votes_for_all_of_it():
    rois, votes = shared_regions(CROWD, everyone(CROWD), 2)

    assert sorted(rois[0].tolist()) == [[50, 50, 150, 150], [122, 110, 222, 210]]
    assert votes.tolist() == [[3, 3]]


def test_regions_that_take_no_part_are_neither_chosen_nor_counted():
    rois, votes = shared_regions(CROWD, torch.tensor([[False, True, True, False, False, False]]), 2)

    assert rois[0].tolist() == [[52, 50, 152, 150], [50, 52, 150, 152]]
    assert votes.tolist() == [[1, 1]]


def test_several_targets_share_as_each_would_alone():
    other = CROWD.flip(1)
    both = torch.cat([CROWD, other])

    rois, votes = shared_regions(both, everyone(both), 3)

    for row, single in enumerate((CROWD, other)):
        alone = shared_regions(single, everyone(single), 3)
        assert torch.equal(rois[row], alone[0][0])
        assert torch.equal(votes[row], alone[1][0])


def test_a_shared_mask_counts_like_as_many_equal_ones():
    config, masks = TrackerConfig(), torch.rand(1, 2, 28, 28)
    rois = squares((40, 40), (60, 70))
    repeated = torch.tensor([0, 0, 0, 1, 1, 1, 1])

    patches = torch.rand(1, 3, 255, 255) * 255

    together = vote(masks, rois, torch.tensor([[3.0, 4.0]]), patches, config)

    apart = vote(masks[:, repeated], rois[:, repeated], torch.ones(1, 7), patches, config)
    assert torch.equal(together.levels, apart.levels)
    assert torch.equal(together.voters, apart.voters)
    torch.testing.assert_close(together.agreement, apart.agreement)
