import os

from conan import ConanFile
from conan.tools.files import apply_conandata_patches, copy, get
from conan.tools.layout import basic_layout


class EigenRecipe(ConanFile):
    name = "eigen"
    description = "Linear algebra and tensors as C++ templates"
    license = "MPL-2.0 AND Apache-2.0 AND BSD-3-Clause AND Minpack"
    homepage = "https://eigen.tuxfamily.org"
    topics = ("linear-algebra", "matrix", "tensor")
    package_type = "header-library"
    settings = "os", "arch", "compiler", "build_type"
    no_copy_source = True

    def export_sources(self):
        patches = os.path.join(self.recipe_folder, "..", "..", "..", "patches", self.name)
        copy(self, "*.patch", patches, os.path.join(self.export_sources_folder, "patches"))

    def layout(self):
        basic_layout(self, src_folder="src")

    def package_id(self):
        self.info.clear()

    def source(self):
        get(self, **self.conan_data["sources"][self.version], strip_root=True)
        apply_conandata_patches(self)

    def package(self):
        include = os.path.join(self.package_folder, "include", "eigen3")
        copy(self, "COPYING.*", self.source_folder, os.path.join(self.package_folder, "licenses"))
        copy(self, "signature_of_eigen3_matrix_library", self.source_folder, include)
        copy(self, "Eigen/*", self.source_folder, include)
        copy(self, "unsupported/Eigen/*", self.source_folder, include, excludes="*CMakeLists.txt")

    def package_info(self):
        self.cpp_info.set_property("cmake_file_name", "Eigen3")
        self.cpp_info.set_property("cmake_target_name", "Eigen3::Eigen")
        self.cpp_info.set_property("pkg_config_name", "eigen3")
        self.cpp_info.includedirs = [os.path.join("include", "eigen3")]
        self.cpp_info.defines = ["EIGEN_MPL2_ONLY"]
        self.cpp_info.bindirs = []
        self.cpp_info.libdirs = []
