import os

from conan import ConanFile
from conan.tools.files import copy, get
from conan.tools.layout import basic_layout


class Fp16Recipe(ConanFile):
    name = "fp16"
    description = "Conversion between half and single precision floating point"
    license = "MIT"
    homepage = "https://github.com/Maratyszcza/FP16"
    topics = ("half-precision", "float16")
    package_type = "header-library"
    settings = "os", "arch", "compiler", "build_type"
    no_copy_source = True

    def layout(self):
        basic_layout(self, src_folder="src")

    def requirements(self):
        self.requires("psimd/20200517", transitive_headers=True)

    def package_id(self):
        self.info.clear()

    def source(self):
        get(self, **self.conan_data["sources"][self.version], strip_root=True)

    def package(self):
        copy(self, "LICENSE", self.source_folder, os.path.join(self.package_folder, "licenses"))
        copy(self, "include/*.h", self.source_folder, self.package_folder)

    def package_info(self):
        self.cpp_info.set_property("cmake_file_name", "fp16_headers")
        self.cpp_info.set_property("cmake_target_name", "fp16_headers")
        self.cpp_info.bindirs = []
        self.cpp_info.libdirs = []
