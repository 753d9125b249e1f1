"""The packed file: one archive that a firmware team can trust, and what proves it.

``make`` writes it from a finished SDK, ``verify`` holds it against all that it says of itself. ``components``
and ``toolchain`` tell what is linked in, ``sbom`` and ``vex`` write that as CycloneDX.
"""
