import os

from conan import ConanFile
from conan.tools.cmake import CMake, CMakeToolchain, cmake_layout
from conan.tools.files import copy, get, rmdir


class BenchmarkRecipe(ConanFile):
    name = "benchmark"
    description = "Measures the time of small pieces of C++; TensorFlow's own tests are written for it"
    license = "Apache-2.0"
    homepage = "https://github.com/google/benchmark"
    topics = ("benchmark", "testing")
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
        toolchain.cache_variables["BENCHMARK_ENABLE_TESTING"] = False
        toolchain.cache_variables["BENCHMARK_ENABLE_WERROR"] = False
        toolchain.cache_variables["BENCHMARK_INSTALL_DOCS"] = False
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
        self.cpp_info.set_property("cmake_file_name", "benchmark")
        self.cpp_info.set_property("cmake_target_name", "benchmark::benchmark")
        self.cpp_info.libs = ["benchmark"]
        if self.settings.os in ("Linux", "FreeBSD"):
            self.cpp_info.system_libs = ["m", "pthread", "rt"]
