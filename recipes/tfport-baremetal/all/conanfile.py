import json
import os

from conan import ConanFile
from conan.errors import ConanInvalidConfiguration
from conan.tools.cmake import CMake, CMakeToolchain, cmake_layout
from conan.tools.files import copy, load, save
from jinja2 import StrictUndefined, Template


class TfportBaremetalRecipe(ConanFile):
    name = "tfport-baremetal"
    description = (
        "What a program runs on when there is no operating system: boot, cores, threads, heap, console"
    )
    license = "Apache-2.0"
    homepage = "https://www.tensorflow.org/lite"
    topics = ("bare-metal", "threads", "smp")
    package_type = "static-library"
    settings = "os", "arch", "compiler", "build_type"
    options = {"board": ["ANY"]}
    default_options = {"board": ""}
    options_description = {"board": "Facts of the board as JSON: the keys that the templates name"}

    def export_sources(self):
        house, to = os.path.join(self.recipe_folder, "..", "..", ".."), self.export_sources_folder
        copy(self, "*", os.path.join(house, "runtime", "baremetal"), os.path.join(to, "baremetal"))
        for template in ("board.h.jinja", "baremetal.ld.jinja"):
            copy(self, template, os.path.join(house, "toolchains", "templates"), f"{to}/templates")

    def layout(self):
        cmake_layout(self)

    def build_requirements(self):
        self.tool_requires("tfport-sysroot/1.0")

    def validate(self):
        if self.settings.os != "baremetal":
            raise ConanInvalidConfiguration(
                f"{self.settings.os} starts programs itself; this is for baremetal."
            )
        if not str(self.options.board):
            raise ConanInvalidConfiguration("No board is given: an image cannot start without its facts.")

    def generate(self):
        board = json.loads(str(self.options.board))
        for name in ("board.h", "baremetal.ld"):
            text = load(self, os.path.join(self.source_folder, "templates", f"{name}.jinja"))
            template = Template(text, undefined=StrictUndefined, trim_blocks=True, keep_trailing_newline=True)
            save(self, os.path.join(self.build_folder, "board", name), template.render(board=board))
        toolchain = CMakeToolchain(self)
        toolchain.cache_variables["TFPORT_BOARD_DIR"] = os.path.join(self.build_folder, "board")
        toolchain.generate()

    def build(self):
        cmake = CMake(self)
        cmake.configure(build_script_folder="baremetal")
        cmake.build()

    def package(self):
        CMake(self).install()
        board, share = (
            os.path.join(self.build_folder, "board"),
            f"{self.package_folder}/share/tfport/baremetal",
        )
        copy(self, "baremetal.ld", board, os.path.join(self.package_folder, "lib"))
        # A firmware team replaces it piece by piece, so it travels as source too.
        copy(self, "*", os.path.join(self.source_folder, "baremetal"), share)
        copy(self, "*", board, share)

    def package_info(self):
        self.cpp_info.libs = ["tfport-baremetal"]
        script = os.path.join(self.package_folder, "lib", "baremetal.ld")
        self.cpp_info.exelinkflags = ["-nostdlib", f"-T{script}"]
        self.cpp_info.system_libs = ["stdc++", "m", "c", "gcc"]
