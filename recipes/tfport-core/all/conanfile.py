import os
import sys

from conan import ConanFile
from conan.errors import ConanInvalidConfiguration
from conan.tools.build import build_jobs
from conan.tools.cmake import CMake, CMakeToolchain, cmake_layout
from conan.tools.files import copy

MODULES = ["headers.py", "link.py", "sdk_files.py"]
MODULES += ["core/sdk_core.py", "core/selection.py", "core/symbols.py", "core/steps/*.py"]


class TfportCoreRecipe(ConanFile):
    name = "tfport-core"
    description = "TensorFlow for firmware: one archive that just links, its headers, and tfport-run"
    license = "Apache-2.0"
    homepage = "https://www.tensorflow.org"
    topics = ("machine-learning", "inference", "embedded")
    package_type = "static-library"
    settings = "os", "arch", "compiler", "build_type"
    options = {"ops": ["ANY"]}
    default_options = {"ops": "all"}
    options_description = {"ops": "all, or Op:Class of kernels, separated by semicolons"}

    def export_sources(self):
        house, to = os.path.join(self.recipe_folder, "..", "..", ".."), self.export_sources_folder
        for name in ("CMakeLists.txt", "SConstruct", "contractions.h"):
            copy(self, name, self.recipe_folder, to)
        for part in ("common", "core", "compat", "runner", "examples"):
            copy(self, "*", os.path.join(house, "runtime", part), f"{to}/runtime/{part}", excludes="tests/*")
        for module in MODULES:
            copy(self, module, os.path.join(house, "tfport"), f"{to}/tools", keep_path=False)
        for template in ("TensorFlowCore*.jinja", "tensorflow-core.pc.jinja"):
            copy(self, template, os.path.join(house, "toolchains", "templates"), f"{to}/templates")

    def layout(self):
        cmake_layout(self)

    def requirements(self):
        self.requires("tensorflow/2.14.1", visible=False)
        self.requires("fxdiv/20200417", visible=False)  # inlined into others: its licence travels along

    def package_id(self):
        # The archive holds code of every one of them, so a new patch to any makes another package.
        self.info.requires.recipe_revision_mode()

    def validate(self):
        if not str(self.options.ops):
            raise ConanInvalidConfiguration("tfport-core with no op runs no model; name ops or say all")

    @property
    def _sdk(self):
        sys.path.insert(0, os.path.join(self.source_folder, "tools"))
        from sdk_core import sdk_of

        return sdk_of(self)

    def generate(self):
        sdk = self._sdk
        sdk.generate()
        toolchain = CMakeToolchain(self)
        folders = {"GENERATED_DIR": str(sdk.generated), "TENSORFLOW_INCLUDE": sdk.include(self)}
        toolchain.cache_variables.update({**folders, "TFPORT_TARGET": sdk.target})
        toolchain.generate()

    def build(self):
        cmake = CMake(self)
        cmake.configure()
        cmake.build()
        sdk = self._sdk
        sdk.make(self)
        sdk.build_runner(os.path.join(self.generators_folder, "conan_toolchain.cmake"), build_jobs(self))

    def package(self):
        copy(self, "*", os.path.join(self.build_folder, "sdk"), self.package_folder)
        for each in self.dependencies.host.values():
            to = f"{self.package_folder}/share/licenses/{each.ref.name}"
            copy(self, "*", f"{each.package_folder}/licenses", to)

    def package_info(self):
        self.cpp_info.set_property("cmake_file_name", "TensorFlowCore")
        self.cpp_info.set_property("cmake_target_name", "TensorFlowCore::TensorFlowCore")
        self.cpp_info.libs = ["tensorflow-core"]
        self.cpp_info.system_libs = ["stdc++", "pthread", "m", "dl"]
