"""The original code's parameter names, and ours: an explicit table, prefix by prefix."""

# longest prefixes first where one begins another
OFFICIAL_NAMES = {
    "features.features.": "backbone.",
    "features.downsample.downsample.": "neck.",
    "rpn_model.cls.conv_kernel.": "score.template.",
    "rpn_model.cls.conv_search.": "score.search.",
    "rpn_model.cls.head.": "score.head.",
    "rpn_model.loc.conv_kernel.": "box.template.",
    "rpn_model.loc.conv_search.": "box.search.",
    "rpn_model.loc.head.": "box.head.",
    "mask_model.mask.conv_kernel.": "mask.template.",
    "mask_model.mask.conv_search.": "mask.search.",
    "mask_model.mask.head.": "mask.head.",
    "refine_model.": "refine.",
}


def ours(name: str) -> str | None:
    """Our name of one of the original's parameters, or None if the original has no such name."""
    for prefix, own in OFFICIAL_NAMES.items():
        if name.startswith(prefix):
            rest = name.removeprefix(prefix)
            return own + (rest.replace("downsample.", "shortcut.") if own == "backbone." else rest)
    return None
