import os

from conan import ConanFile
from conan.tools.files import copy, get
from conan.tools.layout import basic_layout


class PsimdRecipe(ConanFile):
    name = "psimd"
    description = "Portable 128-bit SIMD intrinsics"
    license = "MIT"
    homepage = "https://github.com/Maratyszcza/psimd"
    topics = ("simd", "intrinsics")
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
        self.cpp_info.set_property("cmake_file_name", "psimd")
        self.cpp_info.set_property("cmake_target_name", "psimd")
        self.cpp_info.bindirs = []
        self.cpp_info.libdirs = []
