from conan import ConanFile
from conan.tools.cmake import CMake, CMakeDeps, CMakeToolchain, cmake_layout


class Firmware(ConanFile):
    name = "firmware"
    version = "1.0"
    settings = "os", "arch", "compiler", "build_type"
    requires = "tfport-lite/2.14.1"

    def layout(self):
        cmake_layout(self)

    def generate(self):
        CMakeToolchain(self).generate()
        CMakeDeps(self).generate()

    def build(self):
        cmake = CMake(self)
        cmake.configure()
        cmake.build()
