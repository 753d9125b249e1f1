import os

from conan import ConanFile
from conan.tools.files import copy, get
from conan.tools.layout import basic_layout


class MlDtypesRecipe(ConanFile):
    name = "ml_dtypes"
    description = "8-bit floating-point and 4-bit integer types for machine learning"
    license = "Apache-2.0"
    homepage = "https://github.com/jax-ml/ml_dtypes"
    topics = ("float8", "int4", "machine-learning")
    package_type = "header-library"
    settings = "os", "arch", "compiler", "build_type"
    no_copy_source = True

    def layout(self):
        basic_layout(self, src_folder="src")

    def requirements(self):
        self.requires("eigen/5.0.1", transitive_headers=True)

    def package_id(self):
        self.info.clear()

    def source(self):
        get(self, **self.conan_data["sources"][self.version], strip_root=True)

    def package(self):
        include = os.path.join(self.package_folder, "include")
        copy(self, "LICENSE", self.source_folder, os.path.join(self.package_folder, "licenses"))
        copy(self, "ml_dtypes/include/*.h", self.source_folder, include)
        copy(self, "ml_dtypes/_src/int4.h", self.source_folder, include)

    def package_info(self):
        self.cpp_info.set_property("cmake_file_name", "ml_dtypes")
        self.cpp_info.set_property("cmake_target_name", "ml_dtypes")
        # TensorFlow writes "include/float8.h", so the folder above it has to be on the path.
        self.cpp_info.includedirs = [os.path.join("include", "ml_dtypes")]
        self.cpp_info.bindirs = []
        self.cpp_info.libdirs = []
