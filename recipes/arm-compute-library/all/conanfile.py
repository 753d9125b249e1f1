import json
import os
import shlex
import sys

from conan import ConanFile
from conan.errors import ConanInvalidConfiguration
from conan.tools.files import apply_conandata_patches, copy, get, save
from conan.tools.layout import basic_layout


class ArmComputeLibraryRecipe(ConanFile):
    name = "arm-compute-library"
    description = "Arm's functions for computer vision and neural networks, the part for NEON"
    license = "MIT"
    homepage = "https://github.com/ARM-software/ComputeLibrary"
    topics = ("neural-network", "inference", "simd")
    package_type = "static-library"
    settings = "os", "arch", "compiler", "build_type"
    options = {"data_types": ["ANY"], "fPIC": [True, False], "operators": ["ANY"]}
    default_options = {
        "data_types": "fp32,integer,qasymm8,qasymm8_signed",
        "fPIC": True,
        "operators": "Activation,Add,Concatenate,Conv2d,DepthwiseConv2d,Dequantize,FullyConnected,Pad,Pool2d,"
        "Quantize,Scale,Softmax,Transpose",
    }
    options_description = {
        "data_types": "element types to build kernels for, by the library's names, separated by commas",
        "operators": "operators to build, by their names in filelist.json, separated by commas",
    }
    implements = ["auto_shared_fpic"]

    def export_sources(self):
        patches = os.path.join(self.recipe_folder, "..", "..", "..", "patches", self.name)
        copy(self, "*.patch", patches, os.path.join(self.export_sources_folder, "patches"))

    def layout(self):
        basic_layout(self, src_folder="src")

    def validate(self):
        if self.settings.os != "Linux" or self.settings.arch != "armv7hf":
            raise ConanInvalidConfiguration("arm-compute-library is built here for armv7hf with Linux alone.")

    def source(self):
        get(self, **self.conan_data["sources"][self.version], strip_root=True)
        apply_conandata_patches(self)

    @property
    def _flags(self):
        """Last on the command line, so they stand above the library's own -march, -mfpu and -O3."""
        flags = self.conf.get("tools.build:cxxflags", default=[], check_type=list)
        environment = self.buildenv.vars(self).get("CXXFLAGS") or ""
        return " ".join([*flags, *shlex.split(environment), "-O2", "-DNDEBUG", "-w"])

    def generate(self):
        parts = {name: str(self.options.get_safe(name)).split(",") for name in ("operators", "data_types")}
        text = json.dumps({**parts, "data_layouts": ["nhwc"]})
        save(self, f"{self.generators_folder}/build_config.json", text)

    def build(self):
        compilers = self.conf.get("tools.build:compiler_executables", default={}, check_type=dict)
        compiler = compilers.get("cpp", "g++")
        variables = self.conf.get("tools.cmake.cmaketoolchain:extra_variables", default={}, check_type=dict)
        settings = {
            "arch": "armv7a",
            "build_config": os.path.join(self.generators_folder, "build_config.json"),
            "build_dir": os.path.join(self.build_folder, "scons"),
            "compiler_cache": variables.get("CMAKE_CXX_COMPILER_LAUNCHER", ""),
            "compiler_prefix": "",
            "cppthreads": 1,
            "examples": 0,
            "exceptions": 0,
            "extra_cxx_flags": self._flags,
            "neon": 1,
            "opencl": 0,
            "standalone": 1,
            "toolchain_prefix": compiler[: -len("g++")],
            "Werror": 0,
        }
        jobs = self.conf.get("tools.build:jobs", default=os.cpu_count() or 1)
        words = ["env", f"CC={compilers.get('c', 'gcc')}", f"CXX={compiler}", sys.executable, "-m", "SCons"]
        words += ["-Q", f"-j{jobs}", "-C", self.source_folder]
        self.run(shlex.join([*words, *(f"{name}={value}" for name, value in settings.items())]))

    def package(self):
        copy(self, "*", os.path.join(self.source_folder, "LICENSES"), f"{self.package_folder}/licenses")
        half = f"{self.package_folder}/licenses/half"
        copy(self, "LICENSE.txt", f"{self.source_folder}/include/half", half)
        for pattern in ("arm_compute/*.h", "arm_compute/*.inl", "support/*.h"):
            copy(self, pattern, self.source_folder, f"{self.package_folder}/include")
        copy(self, "half/*.hpp", f"{self.source_folder}/include", f"{self.package_folder}/include")
        copy(self, "*-static.a", f"{self.build_folder}/scons", f"{self.package_folder}/lib", keep_path=False)

    def package_info(self):
        self.cpp_info.libs = ["arm_compute-static"]
        # Headers show what they have by these, and must agree with the library.
        self.cpp_info.defines = ["ARM_COMPUTE_CPU_ENABLED", "ARM_COMPUTE_EXCEPTIONS_DISABLED"]
        self.cpp_info.defines += ["ARM_COMPUTE_CPP_SCHEDULER=1", "ARM_COMPUTE_ENABLE_NEON", "ENABLE_NEON"]
        self.cpp_info.system_libs = ["dl", "m", "pthread"]
