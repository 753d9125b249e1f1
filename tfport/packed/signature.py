"""Signatures with an SSH key, which every system with OpenSSH can check: ``ssh-keygen -Y verify``."""

from __future__ import annotations

from pathlib import Path
from typing import Union

from tfport.command import run
from tfport.errors import CommandFailed, ProgramMissing, SignatureInvalid, SigningFailed

NAMESPACE = "tfport"
_SECONDS = 120.0


def sign(file: Path, key: Path) -> Path:
    """Write ``file``.sig with a private key (or a public one whose private half the agent holds).

    Raises ``SigningFailed``.
    """
    signature = file.with_name(f"{file.name}.sig")
    signature.unlink(missing_ok=True)  # ssh-keygen would ask whether to replace it
    try:
        # Without a terminal it cannot ask for a passphrase, and says so instead of waiting.
        run(["ssh-keygen", "-Y", "sign", "-f", key, "-n", NAMESPACE, file], timeout=_SECONDS)
    except ProgramMissing:
        raise
    except CommandFailed as error:
        raise SigningFailed(
            f"ssh-keygen could not sign with {key}",
            error.why or error.what,
            "--sign takes a private SSH key without a passphrase, or the public half of one in ssh-agent.",
        ) from None
    return signature


def verify(file: Path, allowed: Path) -> str:
    """Who signed ``file``, by the file of allowed signers. Raises ``SignatureInvalid``."""
    signature = file.with_name(f"{file.name}.sig")
    if not allowed.is_file():
        raise SignatureInvalid(
            f"{allowed} is not there",
            "",
            "--key takes a file of allowed signers: a line with a name and a public key for each.",
        )
    if not signature.is_file():
        raise SignatureInvalid(
            f"{file.name} is not signed: there is no {signature.name}",
            "It was packed without --sign, or the signature was left behind.",
            f"Fetch {signature.name} from where the packed file came.",
        )
    base: list[Union[str, Path]] = ["ssh-keygen", "-Y"]
    try:
        found = run([*base, "find-principals", "-s", signature, "-f", allowed], timeout=_SECONDS)
        signer = found.stdout.strip().splitlines()[0]
        words = [*base, "verify", "-f", allowed, "-I", signer, "-n", NAMESPACE, "-s", signature]
        run(words, stdin=file.read_bytes(), timeout=_SECONDS)
    except ProgramMissing:
        raise
    except (CommandFailed, IndexError) as error:
        raise SignatureInvalid(
            f"{signature.name} is not a signature of {file.name} by anyone in {allowed.name}",
            error.why if isinstance(error, CommandFailed) else "",
            "Another key signed it, or the file was changed. Do not use it.",
        ) from None
    return signer
