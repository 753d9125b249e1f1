import os

from conan import ConanFile
from conan.tools.cmake import CMake, CMakeToolchain, cmake_layout
from conan.tools.files import copy, get, rmdir


class FlatbuffersRecipe(ConanFile):
    name = "flatbuffers"
    description = "Serialization of structured data that is read without being unpacked"
    license = "Apache-2.0"
    homepage = "https://flatbuffers.dev"
    topics = ("serialization", "schema")
    package_type = "static-library"
    settings = "os", "arch", "compiler", "build_type"
    options = {"fPIC": [True, False], "flatc": [True, False]}
    default_options = {"fPIC": True, "flatc": False}
    options_description = {"flatc": "Package the schema compiler instead of the library"}
    implements = ["auto_shared_fpic"]

    @property
    def _renamed(self):
        """A consumer's other flatbuffers must not meet ours: the namespace is renamed throughout."""
        return {} if self.options.flatc else {"flatbuffers": "tfport_flatbuffers"}

    def layout(self):
        cmake_layout(self, src_folder="src")

    def source(self):
        get(self, **self.conan_data["sources"][self.version], strip_root=True)

    def generate(self):
        toolchain = CMakeToolchain(self)
        toolchain.cache_variables["FLATBUFFERS_BUILD_FLATC"] = bool(self.options.flatc)
        toolchain.cache_variables["FLATBUFFERS_BUILD_FLATLIB"] = not self.options.flatc
        toolchain.cache_variables["FLATBUFFERS_BUILD_TESTS"] = False
        toolchain.preprocessor_definitions.update(self._renamed)
        toolchain.generate()

    def build(self):
        cmake = CMake(self)
        cmake.configure()
        cmake.build()

    def package(self):
        copy(self, "LICENSE", self.source_folder, os.path.join(self.package_folder, "licenses"))
        CMake(self).install()
        rmdir(self, os.path.join(self.package_folder, "lib", "cmake"))
        rmdir(self, os.path.join(self.package_folder, "lib", "pkgconfig"))

    def package_info(self):
        self.cpp_info.set_property("cmake_file_name", "FlatBuffers")
        self.cpp_info.set_property("cmake_target_name", "flatbuffers::flatbuffers")
        self.cpp_info.set_property("pkg_config_name", "flatbuffers")
        self.cpp_info.libs = [] if self.options.flatc else ["flatbuffers"]
        self.cpp_info.defines = [f"{old}={new}" for old, new in self._renamed.items()]
