"""What pyproject.toml cannot say: package.xml holds the version, and weights/ goes into the package.

colcon never runs this file: package.xml says ament_cmake, so colcon builds CMakeLists.txt.
"""

from pathlib import Path
from xml.etree import ElementTree

from setuptools import find_packages, setup

MANIFEST = ElementTree.parse(Path(__file__).resolve().parent / "package.xml")

setup(
    version=MANIFEST.findtext("version"),
    description=MANIFEST.findtext("description"),
    packages=[*find_packages(include=["s2iammask_core*"]), "s2iammask_core.weights"],
    package_dir={"s2iammask_core.weights": "weights"},
    package_data={
        "s2iammask_core": ["py.typed"],
        "s2iammask_core.page": ["static/*", "static/vendor/*"],
        "s2iammask_core.weights": ["*.safetensors", "*.json"],
    },
)
