"""What the node says about itself: diagnostics for people and monitors, latency for programs."""

import math
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import Any

from diagnostic_msgs.msg import DiagnosticStatus, KeyValue
from std_msgs.msg import Header

from s2iammask.msg import Latency, StageTime
from s2iammask_ros.health.counters import Counts
from s2iammask_ros.health.latency import STAGES, Summary
from s2iammask_ros.images.hints import HintCounts
from s2iammask_ros.settings import NodeConfig

OK, WARN, ERROR = DiagnosticStatus.OK, DiagnosticStatus.WARN, DiagnosticStatus.ERROR
MISSING_SHARE = 0.1  # of the images that came: what may get lost on the way
SILENCE = 2.0  # seconds without an image after which an active camera is called silent


@dataclass(frozen=True, slots=True)
class Report:
    """The state of one camera's stream at a moment."""

    counts: Counts
    before: Counts  # at the last report
    summary: Summary
    silence: float  # seconds since the last image came
    targets: int
    hints: HintCounts | None = None  # if there are any


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
        "targets": report.targets,
        **asdict(report.counts),
        **(asdict(report.hints) if report.hints is not None else {}),
    }
    return status(name, level, message, values)


def _stream_level(report: Report, settings: NodeConfig) -> tuple[bytes, str]:
    now, before = report.counts, report.before
    p95 = report.summary.total.p95 / 1000
    if report.silence > SILENCE:
        return WARN, f"no image for {report.silence:.0f} s"
    if now.failed > before.failed and now.processed == before.processed:
        return ERROR, "images come, but none can be tracked; the log says why"
    if now.late > before.late and now.processed == before.processed:
        return ERROR, "all images are older than max_age"
    if not math.isnan(p95) and p95 > settings.latency_error:
        return ERROR, f"p95 from stamp to publish is {p95:.2f} s, above latency_error"
    if not math.isnan(p95) and p95 > settings.latency_warn:
        return WARN, f"p95 from stamp to publish is {p95:.2f} s, above latency_warn"
    if now.failed > before.failed or now.late > before.late:
        return WARN, "some images failed or were too old"
    if now.missing - before.missing > MISSING_SHARE * (now.received - before.received) + 1:
        return WARN, "images of the camera do not arrive; for large ones see config/fastdds.xml"
    return OK, f"{report.targets} targets at {report.summary.rate:.1f} Hz"


def status(name: str, level: bytes, message: str, values: Mapping[str, Any]) -> DiagnosticStatus:
    pairs = [KeyValue(key=key, value=str(value)) for key, value in values.items()]
    return DiagnosticStatus(name=name, level=level, message=message, hardware_id="s2iammask", values=pairs)


def latency_message(summary: Summary, counts: Counts, header: Header) -> Latency:
    total = summary.total
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
        stages=stages,
        **asdict(counts),
    )
