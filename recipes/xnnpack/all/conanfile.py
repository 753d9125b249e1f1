import os

from conan import ConanFile
from conan.errors import ConanInvalidConfiguration
from conan.tools.cmake import CMake, CMakeDeps, CMakeToolchain, cmake_layout
from conan.tools.files import apply_conandata_patches, copy, get

CORES = ["cortex-a5", "cortex-a7", "cortex-a8", "cortex-a9", "cortex-a12", "cortex-a15", "cortex-a17"]
CORES += ["cortex-a32", "cortex-a35", "cortex-a53", "cortex-a55", "cortex-a57", "cortex-a72", "cortex-a73"]


class XnnpackRecipe(ConanFile):
    name = "xnnpack"
    description = "Neural network operators, optimized for many CPUs"
    license = "BSD-3-Clause"
    homepage = "https://github.com/google/XNNPACK"
    topics = ("neural-network", "inference", "simd")
    package_type = "static-library"
    settings = "os", "arch", "compiler", "build_type"
    options = {"fPIC": [True, False], "target_core": ["runtime", *CORES], "vfpv4": [True, False]}
    default_options = {"fPIC": True, "target_core": "runtime", "vfpv4": True}
    options_description = {
        "target_core": "CPU core to choose microkernels for; runtime asks the CPU it runs on",
        "vfpv4": "Build microkernels that need VFPv4: fused multiply-add, half precision conversion",
    }
    implements = ["auto_shared_fpic"]

    def export_sources(self):
        patches = os.path.join(self.recipe_folder, "..", "..", "..", "patches", self.name)
        copy(self, "*.patch", patches, os.path.join(self.export_sources_folder, "patches"))

    def layout(self):
        cmake_layout(self, src_folder="src")

    def requirements(self):
        self.requires("cpuinfo/20250905")
        self.requires("fxdiv/20200417", visible=False)
        self.requires("pthreadpool/20240616", transitive_headers=True)

    def validate(self):
        core = str(self.options.target_core)
        if core != "runtime" and not str(self.settings.arch).startswith("armv7"):
            raise ConanInvalidConfiguration(
                f"target_core={core} chooses among 32-bit ARM microkernels, but arch is {self.settings.arch}."
            )
        if core in ("cortex-a8", "cortex-a9") and self.options.vfpv4:
            raise ConanInvalidConfiguration(
                f"vfpv4=True cannot work with target_core={core}, a core with VFPv3: build with vfpv4=False."
            )

    def source(self):
        get(self, **self.conan_data["sources"][self.version])
        apply_conandata_patches(self)

    def generate(self):
        toolchain = CMakeToolchain(self)
        armv8 = not str(self.settings.arch).startswith("armv7")
        switches = {
            "XNNPACK_BUILD_ALL_MICROKERNELS": False,
            "XNNPACK_BUILD_BENCHMARKS": False,
            "XNNPACK_BUILD_TESTS": False,
            "XNNPACK_ENABLE_ARM_BF16": armv8,
            "XNNPACK_ENABLE_ARM_DOTPROD": armv8,
            "XNNPACK_ENABLE_ARM_FP16_SCALAR": armv8,
            "XNNPACK_ENABLE_ARM_FP16_VECTOR": armv8,
            "XNNPACK_ENABLE_ARM_NEONFMA": bool(self.options.vfpv4),
            "XNNPACK_ENABLE_ARM_NEONFP16": bool(self.options.vfpv4),
            "XNNPACK_ENABLE_ARM_NEONV8": armv8,
            "XNNPACK_ENABLE_KLEIDIAI": False,
            "XNNPACK_LIBRARY_TYPE": "static",
            "XNNPACK_TARGET_CORE": str(self.options.target_core),
            "XNNPACK_USE_SYSTEM_LIBS": True,
        }
        toolchain.cache_variables.update(switches)
        toolchain.generate()
        CMakeDeps(self).generate()

    def build(self):
        cmake = CMake(self)
        cmake.configure()
        cmake.build()

    def package(self):
        copy(self, "LICENSE", self.source_folder, os.path.join(self.package_folder, "licenses"))
        CMake(self).install()

    def package_info(self):
        self.cpp_info.set_property("cmake_file_name", "XNNPACK")
        self.cpp_info.set_property("cmake_target_name", "XNNPACK")
        self.cpp_info.libs = ["XNNPACK", "microkernels-prod"]
        if self.settings.os in ("Linux", "FreeBSD"):
            self.cpp_info.system_libs = ["m", "pthread"]
