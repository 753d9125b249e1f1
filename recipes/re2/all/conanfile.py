import os
import sys

from conan import ConanFile
from conan.tools.cmake import CMake, CMakeToolchain, cmake_layout
from conan.tools.files import apply_conandata_patches, copy, get, rmdir


class Re2Recipe(ConanFile):
    name = "re2"
    description = "Regular expressions in time linear in the text"
    license = "BSD-3-Clause"
    homepage = "https://github.com/google/re2"
    topics = ("regex", "text")
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

    def source(self):
        library, unicode = self.conan_data["sources"][self.version]
        get(self, **library, strip_root=True)
        get(self, **unicode, strip_root=True, destination="unicode", pattern="*/UCD.zip")
        apply_conandata_patches(self)

    def generate(self):
        toolchain = CMakeToolchain(self)
        toolchain.cache_variables["Python3_EXECUTABLE"] = sys.executable
        toolchain.cache_variables["RE2_BUILD_TESTING"] = False
        toolchain.cache_variables["RE2_UCD"] = os.path.join(self.source_folder, "unicode", "UCD.zip")
        toolchain.generate()

    def build(self):
        cmake = CMake(self)
        cmake.configure()
        cmake.build()

    def package(self):
        copy(self, "LICENSE", self.source_folder, os.path.join(self.package_folder, "licenses"))
        CMake(self).install()
        rmdir(self, os.path.join(self.package_folder, "lib", "cmake"))

    def package_info(self):
        self.cpp_info.set_property("cmake_file_name", "re2")
        self.cpp_info.set_property("cmake_target_name", "re2::re2")
        self.cpp_info.set_property("pkg_config_name", "re2")
        self.cpp_info.libs = ["re2"]
        if self.settings.os in ("Linux", "FreeBSD"):
            self.cpp_info.system_libs = ["pthread"]
