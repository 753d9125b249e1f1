import os
import sys
from pathlib import Path

from conan import ConanFile
from conan.errors import ConanInvalidConfiguration
from conan.tools.build import build_jobs
from conan.tools.cmake import CMake, CMakeDeps, CMakeToolchain, cmake_layout
from conan.tools.files import copy


class TfportAclRecipe(ConanFile):
    name = "tfport-acl"
    description = "One compiled model for firmware: one archive that just links, its header, and tfport-run"
    license = "Apache-2.0"
    homepage = "https://github.com/ARM-software/ComputeLibrary"
    topics = ("machine-learning", "inference", "embedded")
    package_type = "static-library"
    settings = "os", "arch", "compiler", "build_type"
    options = {"engine": ["ANY"], "ops": ["ANY"]}
    default_options = {"engine": "", "ops": ""}
    options_description = {
        "engine": "folder of the sources that tfport generates from a model",
        "ops": "operators and data types of the library, joined by +; digest of engine; sha256 of the model",
    }

    def export_sources(self):
        house, to = os.path.join(self.recipe_folder, "..", "..", ".."), self.export_sources_folder
        copy(self, "CMakeLists.txt", self.recipe_folder, to)
        for part in ("common", "acl", "compat", "runner"):
            copy(self, "*", os.path.join(house, "runtime", part), f"{to}/runtime/{part}", excludes="tests/*")
        for module in ("headers.py", "link.py", "sdk_files.py", "acl/sdk_acl.py"):
            copy(self, module, os.path.join(house, "tfport"), f"{to}/tools", keep_path=False)
        for template in ("TfPortAcl*.jinja", "tfport-acl.pc.jinja"):
            copy(self, template, os.path.join(house, "toolchains", "templates"), f"{to}/templates")

    def layout(self):
        cmake_layout(self)

    def requirements(self):
        operators, data_types, *_ = [*str(self.options.ops).replace("+", ",").split(";"), "", ""]
        trimmed = {"operators": operators, "data_types": data_types} if operators else {}
        self.requires("arm-compute-library/24.11", visible=False, options=trimmed)

    def package_id(self):
        # The archive holds its code, so a new patch makes another package.
        self.info.requires.recipe_revision_mode()
        # What is in that folder has its digest in ops; where it lies does not matter.
        del self.info.options.engine

    def validate(self):
        if not str(self.options.ops):
            raise ConanInvalidConfiguration(
                "tfport-acl holds one model, and none is given: build.py --runtime acl --model my.tflite"
            )

    @property
    def _sdk(self):
        sys.path.insert(0, os.path.join(self.source_folder, "tools"))
        from sdk_acl import sdk_of

        return sdk_of(self)

    def generate(self):
        sdk = self._sdk
        sdk.generate(Path(str(self.options.engine)))
        toolchain = CMakeToolchain(self)
        folders = {"GENERATED_DIR": str(sdk.generated), "TFPORT_ACL_VERSION": str(self.version)}
        toolchain.cache_variables.update({**folders, "TFPORT_TARGET": sdk.target})
        toolchain.generate()
        CMakeDeps(self).generate()

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
        self.cpp_info.set_property("cmake_file_name", "TfPortAcl")
        self.cpp_info.set_property("cmake_target_name", "TfPortAcl::TfPortAcl")
        self.cpp_info.libs = ["tfport-acl"]
        self.cpp_info.system_libs = ["stdc++", "pthread", "m", "dl"]
