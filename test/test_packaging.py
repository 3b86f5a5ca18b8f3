"""What the package's files say about each other."""

import ast
import json
import re
import sys
from pathlib import Path
from xml.etree import ElementTree

import pytest
import yaml

ROOT = Path(__file__).parent.parent
MANIFEST = ElementTree.parse(ROOT / "package.xml").getroot()
CMAKE = (ROOT / "CMakeLists.txt").read_text()
PYPROJECT = (ROOT / "pyproject.toml").read_text()
OURS = {"s2iammask", "s2iammask_core", "s2iammask_ros"}
DISTRIBUTIONS = {
    "trax": "vot-trax",
    "cv2": "opencv-python-headless",
    "PIL": "pillow",
    "skimage": "scikit-image",
    "yaml": "pyyaml",
}
ROSDEP_KEYS = {"cv2": "python3-opencv", "PIL": "python3-pil"}
FROM_PIP_ON_ROBOTS = {"av", "openvino"}  # av: of video files, which no node reads; both: rosdep has no key
INTERFACES = sorted([*ROOT.glob("action/*.action"), *ROOT.glob("msg/*.msg"), *ROOT.glob("srv/*.srv")])
VISION_MSGS = {  # type hashes of vision_msgs 4.1.1 on Jazzy
    "BoundingBox2D": "008eacbb0cf8f26e83795547bed013eec3675485ef386ec056d80eaaf1c1ce2f",
    "BoundingBox3D": "bbb73a65c163d7f9bb29009c7bde9f7faa576bd2d23299c4511d19230dab4698",
    "Detection2DArray": "214274120007f4a683866481336b70310268cfa107aebe9d594a6acf75bda968",
    "Detection3DArray": "793f5eab9595ac1c0da07873cc859db42eae51f0ee76056db8562515d830e018",
    "LabelInfo": "3d37df4015cdf660cc851c51897f2acd957e1ca6205ba0a99aebffb9406b0783",
    "VisionInfo": "95d3116a17484ad91c9a2686e1d54890bbfc3ff6c6a2de137738c4950d45d284",
}


def third_party_imports(*folders: str) -> set[str]:
    """Packages that are neither ours nor Python's, imported anywhere in the Python files of the folders."""
    names = set()
    for path in (path for folder in folders for path in (ROOT / folder).rglob("*.py")):
        for node in ast.walk(ast.parse(path.read_text())):
            if isinstance(node, ast.Import):
                names |= {name.name for name in node.names}
            elif isinstance(node, ast.ImportFrom) and node.module:
                names.add(node.module)
    return {name.split(".")[0] for name in names} - set(sys.stdlib_module_names) - OURS - {"_typeshed"}


def requirements(start: str, end: str) -> set[str]:
    """The distributions that pyproject.toml names between two of its lines."""
    part = PYPROJECT.split(start)[1].split(end)[0]
    return set(re.findall(r'"([A-Za-z0-9_-]+)(?:\[\w+\])?[<>=]', part))


DEPENDENCIES = requirements("\ndependencies = [", "\n]")
EXTRAS = requirements("[project.optional-dependencies]", "[project.scripts]")


def declared_in_manifest() -> set[str]:
    return {element.text for element in MANIFEST if element.tag.endswith("depend")}


def test_the_version_is_written_in_package_xml_alone():
    assert re.fullmatch(r"\d+\.\d+\.\d+", MANIFEST.findtext("version"))
    assert 'dynamic = ["version", "description"]' in PYPROJECT
    assert "project(s2iammask)" in CMAKE


def test_the_licence_is_the_same_everywhere():
    assert MANIFEST.findtext("license") == "Apache-2.0"
    assert 'license = "Apache-2.0"' in PYPROJECT
    assert "Apache License" in (ROOT / "LICENSE").read_text()


def test_every_interface_is_built():
    built = re.findall(r"^  ((?:action|msg|srv)/\w+\.\w+)$", CMAKE, re.MULTILINE)
    assert sorted(built) == [str(path.relative_to(ROOT)) for path in INTERFACES]


@pytest.mark.parametrize("path", INTERFACES, ids=lambda path: path.stem)
def test_every_interface_begins_with_what_it_is_for(path):
    assert re.match(r"# [A-Z][^\n]{20,}", path.read_text())


def test_package_xml_names_what_cmake_looks_for():
    looked_for = set(re.findall(r"find_package\((\w+)", CMAKE))
    assert looked_for <= declared_in_manifest()


def test_package_xml_names_what_the_node_imports():
    imported = third_party_imports("s2iammask_core", "s2iammask_ros", "launch")
    needed = {name for name in imported if DISTRIBUTIONS.get(name, name) not in EXTRAS | FROM_PIP_ON_ROBOTS}

    keys = {ROSDEP_KEYS.get(name, name) for name in needed}

    assert {key for key in keys if not {key, f"python3-{key}"} & declared_in_manifest()} == set()


def test_pyproject_names_what_the_core_imports():
    imported = {DISTRIBUTIONS.get(name, name) for name in third_party_imports("s2iammask_core")}
    assert imported <= DEPENDENCIES | EXTRAS


@pytest.mark.parametrize("path", sorted(ROOT.glob("launch/*.py")), ids=lambda path: path.name)
def test_launch_files_compile(path):
    names = compile(path.read_text(), str(path), "exec").co_names
    assert "generate_launch_description" in names


@pytest.mark.parametrize("path", sorted(ROOT.glob("config/*.yaml")), ids=lambda path: path.name)
def test_settings_are_yaml(path):
    assert isinstance(yaml.safe_load(path.read_text()), dict)


@pytest.mark.parametrize("name", VISION_MSGS)
def test_our_vision_msgs_have_the_types_of_the_real_ones(name):
    packages = pytest.importorskip("ament_index_python.packages")
    pytest.importorskip("vision_msgs")
    share = Path(packages.get_package_share_directory("vision_msgs"))
    types = json.loads((share / "msg" / f"{name}.json").read_text())["type_hashes"]
    assert types[0]["hash_string"] == f"RIHS01_{VISION_MSGS[name]}"
