import os

from conan import ConanFile
from conan.tools.cmake import CMake, CMakeToolchain, cmake_layout
from conan.tools.files import copy, get, rmdir


class CpuinfoRecipe(ConanFile):
    name = "cpuinfo"
    description = "Tells which CPU, instruction sets, cores and caches a machine has"
    license = "BSD-2-Clause"
    homepage = "https://github.com/pytorch/cpuinfo"
    topics = ("cpu", "cache", "topology")
    package_type = "static-library"
    settings = "os", "arch", "compiler", "build_type"
    options = {"fPIC": [True, False]}
    default_options = {"fPIC": True}
    implements = ["auto_shared_fpic"]

    def layout(self):
        cmake_layout(self, src_folder="src")

    def source(self):
        get(self, **self.conan_data["sources"][self.version], strip_root=True)

    def generate(self):
        toolchain = CMakeToolchain(self)
        toolchain.cache_variables["CPUINFO_LIBRARY_TYPE"] = "static"
        toolchain.cache_variables["CPUINFO_LOG_LEVEL"] = "none"
        toolchain.cache_variables["CPUINFO_BUILD_TOOLS"] = False
        toolchain.cache_variables["CPUINFO_BUILD_UNIT_TESTS"] = False
        toolchain.cache_variables["CPUINFO_BUILD_MOCK_TESTS"] = False
        toolchain.cache_variables["CPUINFO_BUILD_BENCHMARKS"] = False
        toolchain.cache_variables["CPUINFO_BUILD_PKG_CONFIG"] = False
        toolchain.generate()

    def build(self):
        cmake = CMake(self)
        cmake.configure()
        cmake.build(target="cpuinfo")

    def package(self):
        copy(self, "LICENSE", self.source_folder, os.path.join(self.package_folder, "licenses"))
        CMake(self).install()
        rmdir(self, os.path.join(self.package_folder, "share"))

    def package_info(self):
        self.cpp_info.set_property("cmake_file_name", "cpuinfo")
        self.cpp_info.set_property("cmake_target_name", "cpuinfo::cpuinfo")
        self.cpp_info.set_property("cmake_target_aliases", ["cpuinfo"])
        self.cpp_info.set_property("pkg_config_name", "libcpuinfo")
        self.cpp_info.libs = ["cpuinfo"]
        self.cpp_info.defines = ["CPUINFO_SUPPORTED_PLATFORM=1"]
        if self.settings.os in ("Linux", "FreeBSD"):
            self.cpp_info.system_libs = ["pthread"]
