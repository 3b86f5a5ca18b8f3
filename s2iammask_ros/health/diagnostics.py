"""What the node says about itself: diagnostics for people and monitors, latency for programs."""

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import Any

from diagnostic_msgs.msg import DiagnosticStatus, KeyValue
from std_msgs.msg import Header

from s2iammask.msg import Latency, StageTime
from s2iammask_ros.health.counters import Counts
from s2iammask_ros.health.depth import DepthReport, lack_of_depth
from s2iammask_ros.health.latency import COMPARABLE, STAGES, Summary
from s2iammask_ros.health.loss import UNKNOWN, Transport, remedies
from s2iammask_ros.images.hints import HintCounts
from s2iammask_ros.messages.stamps import span_text
from s2iammask_ros.settings import NodeConfig

OK, WARN, ERROR = DiagnosticStatus.OK, DiagnosticStatus.WARN, DiagnosticStatus.ERROR
MISSING_SHARE = 0.1  # of the images that came: what may get lost on the way
TOO_LATE = "all images, or the answers about them, are older than max_age"
SLOW = "fewer than min_rate: track fewer of them, or take a faster device"
SKEW = 0.05  # seconds by which stamps may be ahead of the clock, or images old on arrival, without a word
SILENCE = 2.0  # seconds without an image after which an active camera is called silent


@dataclass(frozen=True, slots=True)
class Report:
    """The state of one camera's stream at a moment."""

    counts: Counts
    before: Counts  # at the last report
    summary: Summary
    silence: float  # seconds since the last image came
    targets: int
    image_bytes: int = 0  # of the newest image
    period: float = float("nan")  # of the camera, seconds; NaN while it is not known
    hints: HintCounts | None = None  # if there are any
    depth: DepthReport | None = None  # if it was asked for
    transport: Transport = UNKNOWN

    def grew(self, count: str) -> int:
        """By how much, since the last report."""
        return int(getattr(self.counts, count) - getattr(self.before, count))


def stream_status(name: str, report: Report, settings: NodeConfig) -> DiagnosticStatus:
    level, message = _stream_level(report, settings)
    total = report.summary.total
    values = {
        "rate_hz": f"{report.summary.rate:.1f}",
        "latency_p50_ms": f"{total.p50:.1f}",
        "latency_p95_ms": f"{total.p95:.1f}",
        "latency_p99_ms": f"{total.p99:.1f}",
        **{
            f"{stage}_p50_ms": f"{times.p50:.1f}"
            for stage, times in zip(STAGES, report.summary.stages, strict=True)
        },
        "camera_rate_hz": f"{1 / report.period:.1f}",
        "age_on_arrival_ms": f"{1000 * report.summary.age:.1f}",
        "targets": report.targets,
        **asdict(report.counts),
        **(asdict(report.hints) if report.hints is not None else {}),
        **(asdict(report.depth.counts) if report.depth is not None else {}),
    }
    return status(name, level, message, values)


def _stream_level(report: Report, settings: NodeConfig) -> tuple[bytes, str]:
    """The worst that can be said."""
    p95, age = report.summary.total.p95 / 1000, report.summary.age
    pace = f"{report.targets} targets at {report.summary.rate:.1f} Hz"
    far = f"p95 from stamp to publish is {p95:.2f} s, above"
    apart = _clocks_apart(age)
    found = (
        (report.silence > SILENCE, WARN, f"no image for {report.silence:.0f} s"),
        (_only(report, "failed"), ERROR, "images come, but none can be tracked; the log says why"),
        (_only(report, "late"), ERROR, f"{TOO_LATE}; images are {span_text(age)} old when they arrive"),
        (bool(apart), WARN, apart),
        (p95 > settings.latency_error, ERROR, f"{far} latency_error{_before(age)}"),
        (_overloaded(report, settings), WARN, f"{pace}, {SLOW}"),
        (p95 > settings.latency_warn, WARN, f"{far} latency_warn{_before(age)}"),
        (report.grew("failed") or report.grew("late"), WARN, "some images failed or were too old"),
        (bool(lacks := depth_text(report)), WARN, lacks),
        (loses_images(report), WARN, loss_text(report)),
    )
    for holds, level, message in found:
        if holds:
            return level, message
    return OK, pace


def _overloaded(report: Report, settings: NodeConfig) -> bool:
    """Whether images wait in vain because too much is tracked for this machine."""
    slow = report.summary.rate < settings.min_rate
    return slow and report.targets > 0 and report.grew("dropped") > report.grew("processed")


def _only(report: Report, fate: str) -> bool:
    """Whether images came to that end, and none was tracked."""
    return report.grew(fate) > 0 and not report.grew("processed")


def loses_images(report: Report) -> bool:
    return report.grew("missing") > MISSING_SHARE * report.grew("received") + 1


def depth_text(report: Report) -> str:
    """What is wrong with the depth of a camera whose images come; empty if nothing is."""
    settled = report.summary.window > SILENCE and report.counts.received > 0
    return lack_of_depth(report.depth) if report.depth is not None and settled else ""


def loss_text(report: Report) -> str:
    """How many images get lost on the way, and the remedy."""
    missing = report.grew("missing")
    share = 100 * missing / max(missing + report.grew("received"), 1)
    return (
        f"{share:.0f} % of the images ({report.image_bytes / 1e6:.2g} MB each) do not arrive: "
        f"{remedies(report.transport, report.image_bytes)}"
    )


def _clocks_apart(age: float) -> str:
    """What is to be done if stamps are not of the node's clock; empty if they seem to be."""
    if age < -COMPARABLE:
        return (
            f"stamps are {span_text(-age)} ahead of the node's clock, so latency is unknown; "
            "with use_sim_time: does anybody publish /clock?"
        )
    if age < -SKEW:
        return (
            f"stamps are {span_text(-age)} ahead of the node's clock: synchronise the clocks of camera and "
            "tracker (chrony, PTP); until then latency and max_age are wrong by as much"
        )
    if age > COMPARABLE:
        return (
            f"stamps are {span_text(age)} behind the node's clock, so latency is unknown. For a bag: play it "
            "with --clock and set use_sim_time. For a camera: check its clock"
        )
    return ""


def _before(age: float) -> str:
    """Where most of a long way lies, if not in the node."""
    if not age > SKEW:
        return ""
    return f"; images are {span_text(age)} old when they arrive: a slow transport, or clocks that differ"


def status(name: str, level: bytes, message: str, values: Mapping[str, Any]) -> DiagnosticStatus:
    pairs = [KeyValue(key=key, value=str(value)) for key, value in values.items()]
    return DiagnosticStatus(name=name, level=level, message=message, hardware_id="s2iammask", values=pairs)


def latency_message(report: Report, header: Header) -> Latency:
    summary, total = report.summary, report.summary.total
    stages = [
        StageTime(name=name, p50=times.p50, p95=times.p95)
        for name, times in zip(STAGES, summary.stages, strict=True)
    ]
    return Latency(
        header=header,
        window=summary.window,
        p50=total.p50,
        p95=total.p95,
        p99=total.p99,
        rate=summary.rate,
        camera_rate=1 / report.period,
        age=1000 * summary.age,
        stages=stages,
        **asdict(report.counts),
    )
