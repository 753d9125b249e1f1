import os
import shlex
import sys
from pathlib import Path

from conan import ConanFile
from conan.errors import ConanInvalidConfiguration
from conan.tools.build import build_jobs
from conan.tools.cmake import CMake, CMakeDeps, CMakeToolchain, cmake_layout
from conan.tools.files import copy


class TfportLiteRecipe(ConanFile):
    name = "tfport-lite"
    description = "TensorFlow Lite for firmware: one archive that just links, its headers, and tfport-run"
    license = "Apache-2.0"
    homepage = "https://www.tensorflow.org/lite"
    topics = ("machine-learning", "inference", "embedded")
    package_type = "static-library"
    settings = "os", "arch", "compiler", "build_type"
    options = {"ops": ["ANY"], "memory": ["fast", "lean"]}
    default_options = {"ops": "all", "memory": "fast"}
    options_description = {"ops": "all, or op names, custom:NAME", "memory": "lean: no Winograd weights"}

    def export_sources(self):
        house, to = os.path.join(self.recipe_folder, "..", "..", ".."), self.export_sources_folder
        copy(self, "CMakeLists.txt", self.recipe_folder, to)
        for part in ("common", "lite", "compat", "runner", "packer", "examples"):
            copy(self, "*", os.path.join(house, "runtime", part), f"{to}/runtime/{part}", excludes="tests/*")
        for module in ("headers.py", "link.py", "ops.py", "sdk_bare.py", "sdk_files.py", "sdk_lite.py"):
            copy(self, module, os.path.join(house, "tfport"), os.path.join(to, "tools"))
        for template in ("selected_ops.h.jinja", "TensorFlowLite*.jinja", "tensorflow-lite.pc.jinja"):
            copy(self, template, os.path.join(house, "toolchains", "templates"), f"{to}/templates")

    def layout(self):
        cmake_layout(self)

    def requirements(self):
        self.requires("tensorflow-lite/2.14.1", visible=False)
        self.requires("fxdiv/20200417", visible=False)  # inlined into others: its licence travels along
        if self.settings.os == "baremetal":
            self.requires("tfport-baremetal/1.0")

    def package_id(self):
        # The archive holds code of every one of them, so a new patch to any makes another package.
        self.info.requires.recipe_revision_mode()

    def validate(self):
        if not str(self.options.ops):
            raise ConanInvalidConfiguration("tfport-lite with no op runs no model; name ops or say all")

    @property
    def _sdk(self):
        sys.path.insert(0, os.path.join(self.source_folder, "tools"))
        from sdk_lite import LiteSdk

        packages = {each.ref.name: Path(each.package_folder) for each in self.dependencies.host.values()}
        return LiteSdk(
            sources=Path(self.source_folder),
            build=Path(self.build_folder),
            lite=packages["tensorflow-lite"],
            runtime=packages.get("tfport-baremetal"),
            flags=self.conf.get("tools.build:cxxflags", [], check_type=list),
            ops=str(self.options.ops),
            version=str(self.version),
            target=self.conf.get("user.tfport:target", "unknown"),
            prefix=self.conf.get("tools.build:compiler_executables", {"c": "gcc"})["c"][: -len("gcc")],
            run=lambda words: self.run(shlex.join(words), quiet=True),
        )

    def generate(self):
        self._sdk.generate()
        toolchain = CMakeToolchain(self)
        toolchain.cache_variables.update(self._sdk.cmake_variables(lean=self.options.memory == "lean"))
        toolchain.generate()
        CMakeDeps(self).generate()

    def build(self):
        cmake = CMake(self)
        cmake.configure()
        cmake.build()
        # The runtime of bare metal stays an archive by itself: a firmware may replace its pieces.
        inside = [each for each in self.dependencies.host.values() if each.ref.name != "tfport-baremetal"]
        parts = [each.cpp_info.aggregated_components() for each in inside]
        sdk = self._sdk
        sdk.link([Path(at, f"lib{lib}.a") for part in parts for lib in part.libs for at in part.libdirs])
        sdk.deploy([Path(folder) for part in parts for folder in part.includedirs])
        sdk.build_runner(os.path.join(self.generators_folder, "conan_toolchain.cmake"), build_jobs(self))

    def package(self):
        copy(self, "*", os.path.join(self.build_folder, "sdk"), self.package_folder)
        for name, at in ((each.ref.name, each.package_folder) for each in self.dependencies.host.values()):
            copy(self, "*", f"{at}/licenses", f"{self.package_folder}/share/licenses/{name}")

    def package_info(self):
        self.cpp_info.set_property("cmake_file_name", "TensorFlowLite")
        self.cpp_info.set_property("cmake_target_name", "TensorFlowLite::TensorFlowLite")
        self.cpp_info.libs = ["tensorflow-lite"]
        self.cpp_info.system_libs = ["stdc++", "m", *(["pthread"] if self.settings.os == "Linux" else [])]
