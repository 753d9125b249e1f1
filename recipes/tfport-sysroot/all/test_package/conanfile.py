from conan import ConanFile
from conan.tools.cmake import CMake, cmake_layout


class TestPackage(ConanFile):
    settings = "os", "arch", "compiler", "build_type"
    generators = "CMakeDeps", "CMakeToolchain"

    def layout(self):
        cmake_layout(self)

    def build_requirements(self):
        self.tool_requires(self.tested_reference_str)

    def build(self):
        # Its static assertions are the test: without a runtime library there is nothing to run.
        cmake = CMake(self)
        cmake.configure()
        cmake.build()

    def test(self):
        pass
