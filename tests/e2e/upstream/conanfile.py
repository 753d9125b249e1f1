import shlex
import sys
from pathlib import Path

from conan import ConanFile

HERE = Path(__file__).resolve().parent
STEPS = HERE.parents[2] / "tfport" / "core" / "steps"


class UpstreamTests(ConanFile):
    """TensorFlow's own tests, for the target.

    Two settings name folders: user.tfport:archive what of TensorFlow's source archive its package lacks, and
    user.tfport:wheel where host TensorFlow is installed.
    """

    settings = "os", "arch", "compiler", "build_type"

    def layout(self):
        self.folders.build = "build"
        self.folders.generators = "generators"

    def requirements(self):
        self.requires("tensorflow/2.14.1")
        self.requires("googletest/1.12.1")
        self.requires("benchmark/1.7.1")

    def build_requirements(self):
        self.tool_requires("protobuf/3.21.12", options={"protoc": True})

    def generate(self):
        sys.path.insert(0, str(STEPS))
        import build_config

        tensorflow, protoc = self.dependencies["tensorflow"], self.dependencies.build["protobuf"]
        folders = {"protoc": f"{protoc.cpp_info.bindir}/protoc", "protos": protoc.cpp_info.includedirs}
        for name in ("archive", "wheel"):
            folders[name] = self.conf.get(f"user.tfport:{name}", check_type=str)
        build_config.write_config(
            self,
            STEPS,
            Path(tensorflow.cpp_info.includedirs[0]),
            (),
            here=str(HERE),
            host=["g++"],
            index=str(Path(tensorflow.cpp_info.resdirs[0], "index.json")),
            **folders,
        )

    def build(self):
        words = [sys.executable, "-m", "SCons", "-Q", "-k", "-f", str(HERE / "SConstruct")]
        self.run(shlex.join([*words, "-C", self.build_folder]))
