import os

from conan import ConanFile
from conan.tools.cmake import CMake, CMakeToolchain, cmake_layout
from conan.tools.files import apply_conandata_patches, copy, get, rmdir


class KissfftRecipe(ConanFile):
    name = "kissfft"
    description = "Fast Fourier transform, real and complex, in any number of dimensions"
    license = "BSD-3-Clause"
    homepage = "https://github.com/mborgerding/kissfft"
    topics = ("fft", "signal-processing")
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
        get(self, **self.conan_data["sources"][self.version], strip_root=True)
        apply_conandata_patches(self)

    def generate(self):
        toolchain = CMakeToolchain(self)
        # TensorFlow Lite's transforms are exact to the last bit of a float in double alone.
        toolchain.cache_variables["KISSFFT_DATATYPE"] = "double"
        toolchain.cache_variables["KISSFFT_STATIC"] = True
        toolchain.cache_variables["KISSFFT_PKGCONFIG"] = False
        toolchain.cache_variables["KISSFFT_TEST"] = False
        toolchain.cache_variables["KISSFFT_TOOLS"] = False
        toolchain.generate()

    def build(self):
        cmake = CMake(self)
        cmake.configure()
        cmake.build()

    def package(self):
        copy(self, "COPYING", self.source_folder, os.path.join(self.package_folder, "licenses"))
        CMake(self).install()
        rmdir(self, os.path.join(self.package_folder, "lib", "cmake"))

    def package_info(self):
        self.cpp_info.set_property("cmake_file_name", "kissfft")
        self.cpp_info.set_property("cmake_target_name", "kissfft::kissfft")
        self.cpp_info.set_property("pkg_config_name", "kissfft-double")
        self.cpp_info.includedirs = [os.path.join("include", "kissfft")]
        self.cpp_info.libs = ["kissfft-double"]
        self.cpp_info.defines = ["kiss_fft_scalar=double"]
        if self.settings.os in ("Linux", "FreeBSD"):
            self.cpp_info.system_libs = ["m"]
