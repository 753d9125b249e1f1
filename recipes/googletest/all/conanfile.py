import os

from conan import ConanFile
from conan.tools.cmake import CMake, CMakeToolchain, cmake_layout
from conan.tools.files import copy, get, rmdir


class GoogletestRecipe(ConanFile):
    name = "googletest"
    description = "Tests in C++, with mocks; TensorFlow's own tests are written for it"
    license = "BSD-3-Clause"
    homepage = "https://github.com/google/googletest"
    topics = ("testing",)
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
        CMakeToolchain(self).generate()

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
        self.cpp_info.set_property("cmake_file_name", "GTest")
        for name, requires in (("gtest", []), ("gmock", ["gtest"])):
            part = self.cpp_info.components[name]
            part.set_property("cmake_target_name", f"GTest::{name}")
            part.libs = [name]
            part.requires = requires
        if self.settings.os in ("Linux", "FreeBSD"):
            self.cpp_info.components["gtest"].system_libs = ["m", "pthread"]
