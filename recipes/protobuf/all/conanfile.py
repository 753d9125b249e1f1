import os

from conan import ConanFile
from conan.tools.cmake import CMake, CMakeToolchain, cmake_layout
from conan.tools.files import apply_conandata_patches, copy, get


class ProtobufRecipe(ConanFile):
    name = "protobuf"
    description = "Messages described by a schema: binary and text form, reflection"
    license = "BSD-3-Clause"
    homepage = "https://protobuf.dev"
    topics = ("serialization", "schema")
    package_type = "static-library"
    settings = "os", "arch", "compiler", "build_type"
    options = {"fPIC": [True, False], "protoc": [True, False]}
    default_options = {"fPIC": True, "protoc": False}
    options_description = {"protoc": "Package the schema compiler instead of the library"}
    implements = ["auto_shared_fpic"]

    @property
    def _renamed(self):
        """A consumer's other protobuf must not meet ours: the namespace is renamed throughout."""
        return {} if self.options.protoc else {"google": "tfport_google"}

    @property
    def _targets(self):
        """The library twice: libprotobuf-lite is the part for messages without descriptors."""
        return ("protoc",) if self.options.protoc else ("libprotobuf", "libprotobuf-lite")

    def export_sources(self):
        patches = os.path.join(self.recipe_folder, "..", "..", "..", "patches", self.name)
        copy(self, "*.patch", patches, os.path.join(self.export_sources_folder, "patches"))

    def layout(self):
        cmake_layout(self, src_folder="src")

    def source(self):
        get(self, **self.conan_data["sources"][self.version], strip_root=True)
        apply_conandata_patches(self)

    def generate(self):
        toolchain = CMakeToolchain(self)
        toolchain.cache_variables["CMAKE_UNITY_BUILD"] = True
        toolchain.cache_variables["CMAKE_UNITY_BUILD_BATCH_SIZE"] = 16
        toolchain.cache_variables["protobuf_BUILD_PROTOC_BINARIES"] = bool(self.options.protoc)
        if self.options.protoc:
            # It runs for a second, and optimising it takes a minute.
            toolchain.cache_variables["CMAKE_CXX_FLAGS_RELEASE"] = "-O0"
        toolchain.cache_variables["protobuf_BUILD_TESTS"] = False
        toolchain.cache_variables["protobuf_WITH_ZLIB"] = False
        toolchain.preprocessor_definitions.update(self._renamed)
        toolchain.generate()

    def build(self):
        cmake = CMake(self)
        cmake.configure()
        for target in self._targets:
            cmake.build(target=target)

    def package(self):
        copy(self, "LICENSE", self.source_folder, os.path.join(self.package_folder, "licenses"))
        cmake = CMake(self)
        cmake.install(component="protobuf-protos")
        for component in (*self._targets, *(() if self.options.protoc else ("protobuf-headers",))):
            cmake.install(component=component)

    def package_info(self):
        self.cpp_info.set_property("cmake_file_name", "protobuf")
        self.cpp_info.set_property("pkg_config_name", "protobuf")
        if self.options.protoc:
            return
        for target in self._targets:
            component = self.cpp_info.components[target]
            component.set_property("cmake_target_name", f"protobuf::{target}")
            component.libs = [target[len("lib") :]]
            component.defines = [f"{old}={new}" for old, new in self._renamed.items()]
            if self.settings.os in ("Linux", "FreeBSD"):
                component.system_libs = ["pthread"]
