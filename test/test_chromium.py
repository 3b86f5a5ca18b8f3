"""Chromium comes with `make test` where nobody has to be asked, and never fails it."""

import subprocess
from pathlib import Path
from shutil import which

import pytest

SCRIPT = Path(__file__).parent.parent / "ros_env" / "browser.bash"


@pytest.fixture
def brought(tmp_path):
    """What apt-get was asked for on a machine with these commands alone, and the words of the script."""

    def run(**commands):
        for name in ("bash", "env", "timeout"):
            (tmp_path / name).symlink_to(which(name))
        for name, body in commands.items():
            path = tmp_path / name.replace("_", "-")
            path.write_text(f"#!{which('bash')}\n{body}\n")
            path.chmod(0o755)
        line = [which("bash"), str(SCRIPT)]
        done = subprocess.run(line, env={"PATH": str(tmp_path)}, capture_output=True, text=True)
        assert done.returncode == 0, done.stderr
        asked = tmp_path / "asked"
        return asked.read_text().splitlines() if asked.exists() else [], done.stdout

    return run


def apt_get(code):
    return f'echo "$*" >> "${{0%/*}}/asked"; exit {code}'


ROOT, SOMEBODY = "echo 0", "echo 1000"
AS_ROOT = 'shift; "$@"'  # sudo without a password


def test_root_installs_it(brought):
    asked, said = brought(id=ROOT, apt_get=apt_get(0))

    assert asked == ["install -y --no-install-recommends chromium"]
    assert "BROWSER=no" in said


def test_so_does_whoever_needs_no_password(brought):
    asked, _ = brought(id=SOMEBODY, sudo=AS_ROOT, true="exit 0", apt_get=apt_get(0))

    assert asked == ["install -y --no-install-recommends chromium"]


def test_whoever_needs_one_is_not_asked_for_it(brought):
    assert brought(id=SOMEBODY, sudo="exit 1", apt_get=apt_get(0)) == ([], "")


@pytest.mark.parametrize("commands", [{"chromium": "", "apt_get": apt_get(0)}, {}])
def test_nothing_is_done_with_a_browser_or_without_apt(brought, commands):
    assert brought(id=ROOT, **commands) == ([], "")


def test_an_apt_that_fails_is_tried_with_new_lists_and_fails_nothing(brought):
    asked, said = brought(id=ROOT, apt_get=apt_get(100))

    assert [line.split()[0] for line in asked] == ["install", "update"]
    assert "skipped" in said
