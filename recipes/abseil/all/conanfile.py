import json
import os
import re

from conan import ConanFile
from conan.tools.cmake import CMake, CMakeToolchain, cmake_layout
from conan.tools.files import apply_conandata_patches, copy, get, load, rmdir, save


class AbseilRecipe(ConanFile):
    name = "abseil"
    description = "Common C++ libraries: containers, strings, synchronization, status, flags, time"
    license = "Apache-2.0"
    homepage = "https://abseil.io"
    topics = ("containers", "strings", "synchronization")
    package_type = "static-library"
    settings = "os", "arch", "compiler", "build_type"
    options = {"fPIC": [True, False]}
    default_options = {"fPIC": True}
    implements = ["auto_shared_fpic"]

    @property
    def _components_file(self):
        return os.path.join(self.package_folder, "lib", "components.json")

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
        toolchain.cache_variables["ABSL_PROPAGATE_CXX_STD"] = True
        toolchain.cache_variables["BUILD_TESTING"] = False
        toolchain.generate()

    def build(self):
        cmake = CMake(self)
        cmake.configure()
        cmake.build()

    def package(self):
        copy(self, "LICENSE", self.source_folder, os.path.join(self.package_folder, "licenses"))
        CMake(self).install()
        self._save_components()
        rmdir(self, os.path.join(self.package_folder, "lib", "cmake"))
        rmdir(self, os.path.join(self.package_folder, "lib", "pkgconfig"))

    def _save_components(self):
        """Keep what Abseil's own CMake targets say, as there are more than a hundred of them."""
        text = load(self, os.path.join(self.package_folder, "lib", "cmake", "absl", "abslTargets.cmake"))
        components = {}
        for name, kind in re.findall(r"add_library\(absl::(\w+) (\w+) IMPORTED\)", text):
            links = re.search(rf'absl::{name} PROPERTIES[^)]*?INTERFACE_LINK_LIBRARIES "([^"\\]*)', text)
            names = links.group(1).split(";") if links else []
            components[name] = {
                "library": kind == "STATIC",
                "requires": [link[len("absl::") :] for link in names if link.startswith("absl::")],
                "threads": "Threads::Threads" in names,
            }
        save(self, self._components_file, json.dumps(components, indent=1, sort_keys=True))

    def package_info(self):
        self.cpp_info.set_property("cmake_file_name", "absl")
        for name, known in json.loads(load(self, self._components_file)).items():
            component = self.cpp_info.components[name]
            component.set_property("cmake_target_name", f"absl::{name}")
            component.set_property("pkg_config_name", f"absl_{name}")
            component.requires = known["requires"]
            component.libs = [f"absl_{name}"] if known["library"] else []
            if known["threads"] and self.settings.os in ("Linux", "FreeBSD"):
                component.system_libs = ["pthread"]
