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
    """A file or folder to read is missing, cut or broken, or contradicts another one."""


class VideoError(DatasetError):
    """A video or a camera cannot be read."""


class IncompleteError(VideoError):
    """A video ends early or has damaged frames; what can be read of it has been handed over."""


class OutputError(S2iamMaskError):
    """An output cannot be written, or would overwrite what is read."""


class ResultsError(S2iamMaskError):
    """Result files do not fit the data set they are scored on."""


class UnavailableError(S2iamMaskError):
    """A device, compiler or optional package that was asked for is not on this machine."""


class RequestError(S2iamMaskError):
    """A client of the page sent something that cannot be understood or done."""
