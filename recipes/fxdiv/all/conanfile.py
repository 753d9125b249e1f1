import os

from conan import ConanFile
from conan.tools.files import copy, get
from conan.tools.layout import basic_layout


class FxdivRecipe(ConanFile):
    name = "fxdiv"
    description = "Division by a fixed divisor through multiplication and shifts"
    license = "MIT"
    homepage = "https://github.com/Maratyszcza/FXdiv"
    topics = ("division", "integer")
    package_type = "header-library"
    settings = "os", "arch", "compiler", "build_type"
    no_copy_source = True

    def layout(self):
        basic_layout(self, src_folder="src")

    def package_id(self):
        self.info.clear()

    def source(self):
        get(self, **self.conan_data["sources"][self.version], strip_root=True)

    def package(self):
        copy(self, "LICENSE", self.source_folder, os.path.join(self.package_folder, "licenses"))
        copy(self, "include/*.h", self.source_folder, self.package_folder)

    def package_info(self):
        self.cpp_info.set_property("cmake_file_name", "fxdiv")
        self.cpp_info.set_property("cmake_target_name", "fxdiv")
        self.cpp_info.bindirs = []
        self.cpp_info.libdirs = []
