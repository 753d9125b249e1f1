import os

from conan import ConanFile
from conan.tools.files import copy, get
from conan.tools.layout import basic_layout


class GemmlowpRecipe(ConanFile):
    name = "gemmlowp"
    description = "Low-precision matrix products: 8-bit integers with 32-bit accumulators"
    license = "Apache-2.0"
    homepage = "https://github.com/google/gemmlowp"
    topics = ("matrix", "quantization", "gemm")
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
        include = os.path.join(self.package_folder, "include", "gemmlowp")
        copy(self, "LICENSE", self.source_folder, os.path.join(self.package_folder, "licenses"))
        for folder in ("fixedpoint", "internal", "meta", "profiling", "public"):
            copy(self, f"{folder}/*.h", self.source_folder, include)

    def package_info(self):
        self.cpp_info.set_property("cmake_file_name", "gemmlowp")
        self.cpp_info.set_property("cmake_target_name", "gemmlowp::gemmlowp")
        self.cpp_info.includedirs = [os.path.join("include", "gemmlowp")]
        if self.settings.os in ("Linux", "FreeBSD"):
            self.cpp_info.system_libs = ["pthread"]
        self.cpp_info.bindirs = []
        self.cpp_info.libdirs = []
