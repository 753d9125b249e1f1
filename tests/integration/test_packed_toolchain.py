"""What Debian's records say of the compiler's own libraries, for every target."""

from __future__ import annotations

import shutil

import pytest
from cyclonedx.schema import SchemaVersion
from cyclonedx.validation.json import JsonStrictValidator

from tfport.packed.sbom import Product, sbom
from tfport.packed.toolchain import linked_libraries
from tfport.target import load_target, target_names


@pytest.mark.parametrize("name", target_names())
def test_libraries_of_the_compiler(name: str) -> None:
    target = load_target(name)
    if not shutil.which(target.compiler.program("gcc")) or not shutil.which("dpkg-query"):
        pytest.skip(f"{target.compiler.program('gcc')} is not here as a Debian package")
    libraries = linked_libraries(target)
    names = [each.component.name for each in libraries]
    assert any(each.startswith("libc6" if target.os == "Linux" else "libnewlib") for each in names)
    assert len(names) >= 3 or target.os == "Linux"
    for each in libraries:
        assert each.component.version and all(text.stat().st_size > 300 for text in each.licences)
    product = Product("demo", "1", name, "lib/a.a", "ab" * 32, 315532800)
    text = sbom(product, [each.component for each in libraries])
    assert JsonStrictValidator(SchemaVersion.V1_6).validate_str(text) is None
