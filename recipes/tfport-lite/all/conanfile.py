import os
import sys
from pathlib import Path

from conan import ConanFile
from conan.errors import ConanException, ConanInvalidConfiguration
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
    options = {"ops": ["ANY"]}
    default_options = {"ops": "all"}
    options_description = {"ops": "all, or builtin ops by schema name and custom:NAME, separated by commas"}

    def export_sources(self):
        house = os.path.join(self.recipe_folder, "..", "..", "..")
        to = self.export_sources_folder
        copy(self, "CMakeLists.txt", self.recipe_folder, to)
        for part in ("lite", "compat", "runner", "examples"):
            copy(
                self,
                "*",
                os.path.join(house, "runtime", part),
                os.path.join(to, "runtime", part),
                excludes="tests/*",
            )
        for module in ("headers.py", "link.py", "ops.py", "sdk_lite.py"):
            copy(self, module, os.path.join(house, "tfport"), os.path.join(to, "tools"))
        for template in ("selected_ops.h.jinja", "TensorFlowLite*.jinja", "tensorflow-lite.pc.jinja"):
            copy(
                self, template, os.path.join(house, "toolchains", "templates"), os.path.join(to, "templates")
            )

    def layout(self):
        cmake_layout(self)

    def requirements(self):
        self.requires("tensorflow-lite/2.14.1", visible=False)

    def package_id(self):
        # The archive holds code of every one of them, so a new patch to any makes another package.
        self.info.requires.recipe_revision_mode()

    def validate(self):
        if not str(self.options.ops):
            raise ConanInvalidConfiguration(
                "tfport-lite with no op at all runs no model; name ops or say all"
            )

    @property
    def _sdk_lite(self):
        sys.path.insert(0, os.path.join(self.source_folder, "tools"))
        import sdk_lite

        return sdk_lite

    @property
    def _generated(self):
        return Path(self.build_folder, "generated")

    @property
    def _target(self):
        return self.conf.get("user.tfport:target", "unknown")

    @property
    def _prefix(self):
        return self.conf.get("tools.build:compiler_executables", {}, check_type=dict).get("c", "gcc")[
            : -len("gcc")
        ]

    def generate(self):
        lite = Path(self.dependencies["tensorflow-lite"].package_folder)
        try:
            self._sdk_lite.generate(
                lite,
                Path(self.source_folder, "templates"),
                self._generated,
                ops=str(self.options.ops),
                version=str(self.version),
                target=self._target,
            )
        except Exception as error:
            raise ConanException(str(error)) from error
        toolchain = CMakeToolchain(self)
        toolchain.cache_variables["GENERATED_DIR"] = str(self._generated)
        toolchain.cache_variables["TENSORFLOW_LITE_SOURCES"] = str(lite / "res" / "tensorflow" / "lite")
        toolchain.cache_variables["TFPORT_TARGET"] = self._target
        toolchain.generate()
        CMakeDeps(self).generate()

    def build(self):
        cmake = CMake(self)
        cmake.configure()
        cmake.build()
        sdk, build = Path(self.build_folder, "sdk"), Path(self.build_folder)
        parts = [
            dependency.cpp_info.aggregated_components() for dependency in self.dependencies.host.values()
        ]
        archives = [
            Path(folder, f"lib{lib}.a") for part in parts for lib in part.libs for folder in part.libdirs
        ]
        archives.append(build / "libtfport_compat.a")
        self._sdk_lite.link(
            lambda words: self.run(" ".join(f"'{word}'" for word in words), quiet=True),
            self._prefix,
            sdk,
            objects=sorted((build / "CMakeFiles" / "tfport_lite.dir").rglob("*.o")),
            libraries=[path for path in archives if path.is_file()],
            cut=self.options.ops != "all",
        )
        sources = Path(self.source_folder)
        self._sdk_lite.deploy(
            sdk,
            roots=[
                sources / "runtime" / "lite" / "include",
                *(Path(folder) for part in parts for folder in part.includedirs),
            ],
            templates=sources / "templates",
            manifest=self._generated / "ops.json",
            version=str(self.version),
            target=self._target,
            extras=sorted((sources / "runtime" / "examples").glob("*.c")),
        )
        toolchain = os.path.join(self.generators_folder, "conan_toolchain.cmake")
        self.run(
            f"cmake -S '{sources}/runtime/runner' -B runner -G Ninja -DCMAKE_BUILD_TYPE=Release "
            f"-DCMAKE_TOOLCHAIN_FILE='{toolchain}' -DTensorFlowLite_DIR='{sdk}/lib/cmake/TensorFlowLite'"
        )
        self.run(f"cmake --build runner -- -j{build_jobs(self)}")

    def package(self):
        copy(self, "*", os.path.join(self.build_folder, "sdk"), self.package_folder)
        copy(
            self,
            "tfport-run",
            os.path.join(self.build_folder, "runner"),
            os.path.join(self.package_folder, "bin"),
        )
        self.run(f"{self._prefix}strip '{self.package_folder}/bin/tfport-run'")
        for dependency in self.dependencies.host.values():
            copy(
                self,
                "*",
                os.path.join(dependency.package_folder, "licenses"),
                os.path.join(self.package_folder, "share", "licenses", dependency.ref.name),
            )

    def package_info(self):
        self.cpp_info.set_property("cmake_file_name", "TensorFlowLite")
        self.cpp_info.set_property("cmake_target_name", "TensorFlowLite::TensorFlowLite")
        self.cpp_info.libs = ["tensorflow-lite"]
        self.cpp_info.system_libs = ["stdc++", "pthread", "m"]
