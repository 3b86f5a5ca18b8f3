"""Everything this package raises on purpose. Each message names the thing and says what to do."""


class S2iamMaskError(Exception):
    """Base of the errors that a caller may want to catch."""


class ConfigError(S2iamMaskError):
    """A setting is unknown, of the wrong type or outside its range."""


class FrameError(S2iamMaskError):
    """A frame is not (H, W, 3) uint8, or its size differs from the one that tracking began with."""


class TargetError(S2iamMaskError):
    """A box or mask to start from cannot be tracked, or an id is unknown or taken already."""


class WeightsError(S2iamMaskError):
    """A weights file cannot be read, does not fit the network, or is not the one the manifest names."""


class DatasetError(S2iamMaskError):
    """A data set's folder or one of its files is missing or broken."""


class ResultsError(S2iamMaskError):
    """Result files do not fit the data set they are scored on."""


class VideoError(S2iamMaskError):
    """A video, a folder of frames or a camera cannot be read, or a video cannot be written."""


class UnavailableError(S2iamMaskError):
    """A device, compiler or optional package that was asked for is not on this machine."""


class RequestError(S2iamMaskError):
    """A client of the page sent something that cannot be understood or done."""
