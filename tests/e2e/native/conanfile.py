from conan import ConanFile
from conan.tools.cmake import CMake, CMakeToolchain, cmake_layout


class NativeTests(ConanFile):
    """Tests that reach below the public headers of TensorFlow Lite, for the target."""

    settings = "os", "arch", "compiler", "build_type"
    generators = ("CMakeDeps",)

    def layout(self):
        cmake_layout(self)

    def requirements(self):
        self.requires("tensorflow-lite/2.14.1")
        # An internal header, which only the test includes, reaches these.
        self.requires("kissfft/131.1.0")
        self.requires("xnnpack/20241108")

    def generate(self):
        toolchain = CMakeToolchain(self)
        toolchain.user_presets_path = False  # It would land beside the sources.
        toolchain.generate()

    def build(self):
        cmake = CMake(self)
        cmake.configure()
        cmake.build()
        emulator = self.conf.get("user.tfport:emulator", default="")
        for program in ("gemm_test", "fft_test", "qs8_test", "float_conv_test"):
            self.run(f"{emulator} ./{program}")
