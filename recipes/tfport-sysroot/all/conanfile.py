import os

from conan import ConanFile
from conan.tools.files import copy, load
from conan.tools.layout import basic_layout


class TfportSysrootRecipe(ConanFile):
    name = "tfport-sysroot"
    description = "What every compile for bare metal gets: headers over newlib's, and defines"
    license = "Apache-2.0"
    homepage = "https://www.tensorflow.org/lite"
    topics = ("bare-metal", "newlib", "threads")
    package_type = "unknown"
    no_copy_source = True

    def export_sources(self):
        runtime = os.path.join(self.recipe_folder, "..", "..", "..", "runtime", "baremetal")
        # The interface to the runtime is not for libraries: a change of it is to rebuild none of them.
        copy(self, "include/*", runtime, self.export_sources_folder, excludes="include/tfport/baremetal.h")
        copy(self, "flags.txt", runtime, self.export_sources_folder)

    def layout(self):
        basic_layout(self)

    def package(self):
        copy(self, "*", self.source_folder, self.package_folder)

    def package_info(self):
        lines = load(self, os.path.join(self.package_folder, "flags.txt")).splitlines()
        flags = ["-isystem", os.path.join(self.package_folder, "include")]
        flags += [word for line in lines for word in line.split("#")[0].split()]
        for conf in ("tools.build:cflags", "tools.build:cxxflags"):
            self.conf_info.append(conf, flags)
        # CMake links its checks of the compiler, before there is a library that answers system calls.
        self.conf_info.append("tools.build:exelinkflags", ["--specs=nosys.specs"])
        # The compiler takes no -pthread: threads are part of the runtime library.
        variables = {"CMAKE_HAVE_LIBC_PTHREAD": True}
        self.conf_info.update("tools.cmake.cmaketoolchain:extra_variables", variables)
        self.cpp_info.includedirs = []
        self.cpp_info.bindirs = []
        self.cpp_info.libdirs = []
