import os

from conan import ConanFile
from conan.tools.cmake import CMake, CMakeDeps, CMakeToolchain, cmake_layout
from conan.tools.files import apply_conandata_patches, copy, get


class PthreadpoolRecipe(ConanFile):
    name = "pthreadpool"
    description = "Thread pool that spreads loops over threads"
    license = "BSD-2-Clause"
    homepage = "https://github.com/Maratyszcza/pthreadpool"
    topics = ("threads", "parallel")
    package_type = "static-library"
    settings = "os", "arch", "compiler", "build_type"
    options = {"fPIC": [True, False]}
    default_options = {"fPIC": True}
    implements = ["auto_shared_fpic"]

    def export_sources(self):
        patches = os.path.join(self.recipe_folder, "..", "..", "..", "patches", self.name)
        copy(self, "*.patch", patches, os.path.join(self.export_sources_folder, "patches"))

    def layout(self):
        cmake_layout(self, src_folder="src")

    def requirements(self):
        self.requires("fxdiv/20200417", visible=False)

    def source(self):
        get(self, **self.conan_data["sources"][self.version], strip_root=True)
        apply_conandata_patches(self)

    def generate(self):
        toolchain = CMakeToolchain(self)
        toolchain.cache_variables["PTHREADPOOL_LIBRARY_TYPE"] = "static"
        toolchain.cache_variables["PTHREADPOOL_ALLOW_DEPRECATED_API"] = False
        toolchain.cache_variables["PTHREADPOOL_BUILD_TESTS"] = False
        toolchain.cache_variables["PTHREADPOOL_BUILD_BENCHMARKS"] = False
        toolchain.generate()
        CMakeDeps(self).generate()

    def build(self):
        cmake = CMake(self)
        cmake.configure()
        cmake.build()

    def package(self):
        copy(self, "LICENSE", self.source_folder, os.path.join(self.package_folder, "licenses"))
        CMake(self).install()

    def package_info(self):
        self.cpp_info.set_property("cmake_file_name", "pthreadpool")
        self.cpp_info.set_property("cmake_target_name", "pthreadpool")
        self.cpp_info.libs = ["pthreadpool"]
        self.cpp_info.defines = ["PTHREADPOOL_NO_DEPRECATED_API=1"]
        if self.settings.os in ("Linux", "FreeBSD"):
            self.cpp_info.system_libs = ["pthread"]
