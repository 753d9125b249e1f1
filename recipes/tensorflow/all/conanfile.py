import os
import sys
from pathlib import Path

from conan import ConanFile
from conan.errors import ConanInvalidConfiguration
from conan.tools.files import apply_conandata_patches, copy, get
from conan.tools.layout import basic_layout

DEFINES = ["IS_MOBILE_PLATFORM", "IS_SLIM_BUILD", "TF_LEAN_BINARY", "TENSORFLOW_MONOLITHIC_BUILD"]
DEFINES += ["EIGEN_AVOID_STL_ARRAY", "EIGEN_NEON_GEBP_NR=4", "EIGEN_MPL2_ONLY"]
DEFINES += ["SUPPORT_SELECTIVE_REGISTRATION", "TFPORT_XNNPACK"]


class TensorflowRecipe(ConanFile):
    name = "tensorflow"
    description = "TensorFlow's core runtime: sessions, graphs, the C API; ops and kernels as sources"
    license = "Apache-2.0"
    homepage = "https://www.tensorflow.org"
    package_type = "static-library"
    settings = "os", "arch", "compiler", "build_type"
    options = {"fPIC": [True, False]}
    default_options = {"fPIC": True}
    implements = ["auto_shared_fpic"]

    def export_sources(self):
        house, to = os.path.join(self.recipe_folder, "..", "..", ".."), self.export_sources_folder
        copy(self, "*.patch", os.path.join(house, "patches", self.name), os.path.join(to, "patches"))
        copy(self, "SConstruct", self.recipe_folder, to)
        copy(self, "*.py", os.path.join(house, "tfport", "core", "steps"), os.path.join(to, "tools"))

    def layout(self):
        basic_layout(self, src_folder="src")

    def requirements(self):
        self.requires("abseil/20220623.1", transitive_headers=True)
        self.requires("double-conversion/3.2.1")
        self.requires("eigen/5.0.1", transitive_headers=True)
        self.requires("farmhash/20190513", transitive_headers=True)
        self.requires("gemmlowp/20211220", transitive_headers=True)
        self.requires("highwayhash/20200803", transitive_headers=True)
        self.requires("ml_dtypes/0.2.0", transitive_headers=True)
        self.requires("nsync/1.29.2", transitive_headers=True)
        self.requires("protobuf/3.21.12", transitive_headers=True)
        self.requires("re2/20220601", transitive_headers=True)
        self.requires("snappy/1.1.9")
        self.requires("xnnpack/20241108", transitive_headers=True)
        self.requires("zlib/1.2.13", transitive_headers=True)

    def build_requirements(self):
        self.tool_requires("protobuf/3.21.12", options={"protoc": True})

    def validate(self):
        if self.settings.os != "Linux":
            raise ConanInvalidConfiguration(f"tensorflow needs Linux, but os is {self.settings.os}.")

    def source(self):
        get(self, **self.conan_data["sources"][self.version], strip_root=True)
        apply_conandata_patches(self)

    @property
    def _tools(self):
        return Path(self.export_sources_folder, "tools")

    @property
    def _steps(self):
        sys.path.insert(0, str(self._tools))
        import build_config

        return build_config

    def generate(self):
        protoc = self.dependencies.build["protobuf"]
        folders = {"protoc": protoc.cpp_info.bindir + "/protoc", "protos": protoc.cpp_info.includedirs}
        self._steps.write_config(self, self._tools, Path(self.source_folder), DEFINES, **folders)

    def build(self):
        self._steps.scons(self, self._tools)

    def package(self):
        copy(self, "LICENSE", self.source_folder, os.path.join(self.package_folder, "licenses"))
        copy(self, "libtensorflow.a", self.build_folder, os.path.join(self.package_folder, "lib"))
        copy(self, "index.json", self.build_folder, os.path.join(self.package_folder, "res"))
        include = os.path.join(self.package_folder, "include")
        apart = ("*/lite/*", "*_test.cc")
        for pattern in ("*.h", "*.inc", "*.cc", "*BUILD"):
            copy(self, f"tensorflow/{pattern}", self.source_folder, include, excludes=apart)
        copy(self, "third_party/eigen3/*", self.source_folder, include)
        copy(self, "*.h", os.path.join(self.build_folder, "gen"), include)

    def package_info(self):
        self.cpp_info.libs = ["tensorflow"]
        # Of protobuf the part that serves messages without descriptors.
        parts = {"protobuf": "libprotobuf-lite"}
        needed = [each.ref.name for each in self.dependencies.direct_host.values()]
        self.cpp_info.requires = [f"{name}::{parts.get(name, name)}" for name in needed]
        self.cpp_info.resdirs = ["res"]
        self.cpp_info.defines = DEFINES
        self.cpp_info.system_libs = ["dl", "m", "pthread"]
