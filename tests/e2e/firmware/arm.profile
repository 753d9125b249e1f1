[settings]
os=Linux
arch=armv7hf
compiler=gcc
compiler.version=12
compiler.libcxx=libstdc++11
build_type=Release

[conf]
tools.build:compiler_executables={'c': 'arm-linux-gnueabihf-gcc', 'cpp': 'arm-linux-gnueabihf-g++'}
