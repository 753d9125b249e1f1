import os

from conan import ConanFile
from conan.tools.cmake import CMake, CMakeDeps, CMakeToolchain, cmake_layout
from conan.tools.files import apply_conandata_patches, copy, get


class TensorflowLiteRecipe(ConanFile):
    name = "tensorflow-lite"
    description = "Runs TensorFlow Lite models: every builtin op, with the XNNPACK delegate"
    license = "Apache-2.0"
    homepage = "https://www.tensorflow.org/lite"
    topics = ("machine-learning", "inference", "neural-network")
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

    def requirements(self):
        # Public headers reach FlatBuffers and XNNPACK's thread pool; a user's kernels Eigen and gemmlowp too.
        self.requires("abseil/20220623.1", transitive_headers=True)
        self.requires("cpuinfo/20250905")
        self.requires("eigen/5.0.1", transitive_headers=True)
        self.requires("farmhash/20190513")
        self.requires("flatbuffers/23.5.26", transitive_headers=True)
        self.requires("fp16/20200514", transitive_headers=True)
        self.requires("gemmlowp/20211220", transitive_headers=True)
        self.requires("kissfft/131.1.0")
        self.requires("ml_dtypes/0.2.0", transitive_headers=True)
        self.requires("pthreadpool/20240616", transitive_headers=True)
        self.requires("xnnpack/20241108", transitive_headers=True)

    def source(self):
        # Nothing outside these folders is compiled; the rest of the tree is 25,000 files.
        get(self, **self.conan_data["sources"][self.version], strip_root=True)
        apply_conandata_patches(self)

    def generate(self):
        toolchain = CMakeToolchain(self)
        toolchain.cache_variables["CMAKE_FIND_PACKAGE_PREFER_CONFIG"] = True
        toolchain.cache_variables["FETCHCONTENT_FULLY_DISCONNECTED"] = True
        # It loads shared objects by name, which a static program on a small board cannot.
        toolchain.cache_variables["TFLITE_ENABLE_EXTERNAL_DELEGATE"] = False
        toolchain.cache_variables["TFLITE_ENABLE_INSTALL"] = False
        toolchain.cache_variables["TFLITE_ENABLE_NNAPI"] = False
        # Most of a kernel's compile time is its headers, which a unit of several kernels parses once.
        toolchain.cache_variables["CMAKE_UNITY_BUILD"] = True
        toolchain.generate()
        CMakeDeps(self).generate()

    def build(self):
        cmake = CMake(self)
        cmake.configure(build_script_folder=os.path.join("tensorflow", "lite"))
        cmake.build(target="tensorflow-lite")

    def package(self):
        source = self.source_folder
        copy(self, "LICENSE", source, os.path.join(self.package_folder, "licenses"))
        copy(self, "*.a", self.build_folder, os.path.join(self.package_folder, "lib"), keep_path=False)
        lite = os.path.join("tensorflow", "lite")
        include = os.path.join(self.package_folder, "include")
        copy(self, "*.h", os.path.join(source, lite), os.path.join(include, lite))
        for folder, pattern in (("tensorflow/core/public", "version.h"), ("third_party/eigen3", "*")):
            copy(self, pattern, os.path.join(source, folder), os.path.join(include, folder))
        # What an SDK that is cut to its models compiles again, with its own list of ops.
        for name in ("core/kernels/register.cc", "delegates/xnnpack/xnnpack_delegate.cc"):
            copy(self, name, os.path.join(source, lite), os.path.join(self.package_folder, "res", lite))

    def package_info(self):
        self.cpp_info.set_property("cmake_file_name", "tensorflowlite")
        self.cpp_info.set_property("cmake_target_name", "tensorflow::tensorflowlite")
        self.cpp_info.libs = ["tensorflow-lite"]
        self.cpp_info.includedirs = [
            "include",
            os.path.join("include", "tensorflow", "lite", "kernels", "compat"),
        ]
        self.cpp_info.resdirs = ["res"]
        self.cpp_info.defines = ["EIGEN_NEON_GEBP_NR=4", "TFL_STATIC_LIBRARY_BUILD"]
        if self.settings.os in ("Linux", "FreeBSD"):
            self.cpp_info.system_libs = ["dl", "m", "pthread"]
