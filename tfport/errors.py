"""Every error that a user can cause: what happened, the likely cause, what to do next.

Each class has its own exit code, so that a script can tell them apart. The command line prints the three
parts and no traceback (``--debug`` shows it).
"""

from __future__ import annotations

from typing import ClassVar


class TfportError(Exception):
    """Base of all errors shown to a person.

    ``what`` is the fact, ``why`` the likely cause, ``hint`` the next step; the last two may be empty.
    """

    exit_code: ClassVar[int] = 1

    def __init__(self, what: str, why: str = "", hint: str = "") -> None:
        super().__init__(what)
        self.what = what
        self.why = why
        self.hint = hint


# --- The house: running programs, targets, the machine, the build (exit codes 10 to 29) ---


class CommandFailed(TfportError):
    """A program ended with an error; carries its argument vector, return code, output and log path."""

    exit_code = 10

    def __init__(
        self,
        what: str,
        why: str = "",
        hint: str = "",
        *,
        argv: tuple[str, ...] = (),
        returncode: int = -1,
        stdout: str = "",
        stderr: str = "",
    ) -> None:
        super().__init__(what, why, hint)
        self.argv = argv
        self.returncode = returncode
        self.stdout = stdout
        self.stderr = stderr


class CommandTimedOut(CommandFailed):
    """A program did not end within its time limit and was killed with all its children."""

    exit_code = 11


class ProgramMissing(CommandFailed):
    """A program that was to be run is not on this machine."""

    exit_code = 12


class UnknownTarget(TfportError):
    """No file in toolchains/ has the target's name."""

    exit_code = 13


class TargetFileError(TfportError):
    """A target file cannot be parsed, or holds unknown, missing or wrong keys (all shown together)."""

    exit_code = 14


class PackagesMissing(TfportError):
    """Debian packages (compiler, emulator, build tools) are not installed."""

    exit_code = 15


class InstallFailed(TfportError):
    """``--install-deps`` could not install the Debian packages."""

    exit_code = 16


class BuildFailed(TfportError):
    """Conan could not build a recipe."""

    exit_code = 17


class BuildLocked(TfportError):
    """Another build holds the lock of this tree."""

    exit_code = 18


class NotOffered(TfportError):
    """A combination of options that this version does not offer."""

    exit_code = 19


class ModelRefused(TfportError):
    """A model needs operators that the library does not hold (each is named)."""

    exit_code = 20


class NotAnSdk(TfportError):
    """A folder given as an SDK does not hold one, or its files differ from its report."""

    exit_code = 21


class DiskFull(TfportError):
    """No space is left on the disk that holds the cache or the output."""

    exit_code = 22


class TestsFailed(TfportError):
    """At least one of the project's own tests failed."""

    __test__ = False  # pytest collects classes named Test*
    exit_code = 23


# 24 is build.py's own: no Python that fits.


class VenvMissing(TfportError):
    """Python's venv module is not installed."""

    exit_code = 25


class RequirementsFailed(TfportError):
    """pip could not install the locked requirements."""

    exit_code = 26


class BoardUnreadable(TfportError):
    """A text that is said to be a board's /proc/cpuinfo or ``ldd --version`` is not."""

    exit_code = 27


class NoTargetFits(TfportError):
    """No target runs on a board, or none can be made for it; ``why`` says what stops each."""

    exit_code = 28


class TargetExists(TfportError):
    """A new target has the name of an existing file."""

    exit_code = 29


# Sources, recipes and patches: 30-39.


class SourceNotFound(TfportError):
    """No place that was tried has the file; ``why`` lists the places."""

    exit_code = 30


class SourceStalled(TfportError):
    """A server stopped sending, or sends too slowly to be of use."""

    exit_code = 31


class SourceTruncated(TfportError):
    """A server closed the connection before the length that it had promised."""

    exit_code = 32


class ChecksumMismatch(TfportError):
    """The bytes that arrived are not the pinned ones; they are not kept."""

    exit_code = 33


class NoNetwork(TfportError):
    """Files are missing and no server could be reached (or ``--offline`` forbids to try)."""

    exit_code = 34


class BundleIncomplete(TfportError):
    """An offline bundle lacks files that the build needs, or holds damaged ones."""

    exit_code = 36


class RecipeInvalid(TfportError):
    """config.yml or conandata.yml of a recipe, or a row of models.toml, is not what the schema asks."""

    exit_code = 37


class PatchInvalid(TfportError):
    """A patch file without a proper header or without hunks."""

    exit_code = 38


class ArchiveInvalid(TfportError):
    """An archive is damaged, lacks a member, or names one outside itself."""

    exit_code = 39


# Models, the reference, the smoke test: 40-49 and 65-69; the emulator: 60-64.


class ModelError(TfportError):
    """A model file, or an input for one, cannot be used."""

    exit_code = 40


class ModelMissing(ModelError):
    """A model file is not there or cannot be read."""

    exit_code = 41


class NotALiteModel(ModelError):
    """A file that is not a TensorFlow Lite model at all: empty, too short, another format."""

    exit_code = 42


class ModelBroken(ModelError):
    """A model whose inside contradicts itself: cut short, corrupted, offsets or indices out of range."""

    exit_code = 43


class ModelTooNew(ModelError):
    """A model that uses operators or tensor types of a later TensorFlow."""

    exit_code = 44


class ModelInputInvalid(ModelError):
    """An ``--input`` that does not fit the model: unknown name, unreadable file, wrong type or shape."""

    exit_code = 45


class ConversionFailed(TfportError):
    """Host TensorFlow could not convert a model or run the reference."""

    exit_code = 46


class ReferenceMissing(TfportError):
    """Host TensorFlow is needed and not installed in this Python."""

    exit_code = 47


class SmokeFailed(TfportError):
    """The target's results differ from the reference by more than the rule allows; ``why`` lists where."""

    exit_code = 48


class CalibrationInvalid(TfportError):
    """A folder of pictures to calibrate or compare with is missing, empty, or holds something else."""

    exit_code = 49


class NotQuantisable(ModelError):
    """A model of a form that cannot be quantised, or one that does not become int8 as a whole."""

    exit_code = 69


class NotACoreModel(ModelError):
    """Neither a frozen GraphDef nor a SavedModel nor a Keras model: another format, or no model at all."""

    exit_code = 65


class ModelIncomplete(ModelError):
    """A part of a model is not there: files of a SavedModel, or the values of a graph's variables."""

    exit_code = 66


class SignatureUnknown(ModelError):
    """A model has no signature of that name, or none at all; ``why`` lists those that it has."""

    exit_code = 67


class EmulatorFailed(TfportError):
    """The emulator is not there, or could not run a target program."""

    exit_code = 60


class PackFailed(TfportError):
    """The weights of a model could not be packed ahead of time."""

    exit_code = 62


class PluginFailed(TfportError):
    """The instruction counter could not be built or loaded."""

    exit_code = 61


class BenchFailed(TfportError):
    """An engine of ours failed in a bench or computed something else than TensorFlow; ``why`` lists which."""

    exit_code = 68


# --- The artefact: what check found in an SDK (exit codes 50 to 59) ---


class CheckFailed(TfportError):
    """The SDK is not fit for its target; the class tells the first kind of fault, ``why`` lists all."""

    exit_code = 50


class SdkIncomplete(CheckFailed):
    """Not one archive of one object, or a file that cannot be read."""

    exit_code = 51


class WrongMachine(CheckFailed):
    """Code for another machine or ABI than the target's."""

    exit_code = 52


class AboveTarget(CheckFailed):
    """Attributes or instructions that the target's processor does not have."""

    exit_code = 53


class SymbolsTooNew(CheckFailed):
    """Symbols that the target's C and C++ libraries do not offer, or that nothing offers."""

    exit_code = 54


class SymbolsExposed(CheckFailed):
    """Global symbols that can clash with a consumer's own libraries."""

    exit_code = 55


class NotLinkable(CheckFailed):
    """Something that stops the archive from linking everywhere: text relocations, comdat groups."""

    exit_code = 56


class NotStripped(CheckFailed):
    """Debug information in the archive that ships."""

    exit_code = 57


# --- More than one machine: exit codes 71 and 72 ---


class FarmInvalid(TfportError):
    """distcc is asked for and DISTCC_HOSTS names no host, or is not in distcc's form."""

    exit_code = 71


class FarmCompilerDiffers(TfportError):
    """A host of distcc has another compiler than this machine."""

    exit_code = 72


# --- The packed file: exit codes 80 to 85 ---


class PackError(TfportError):
    """A packed file cannot be used: not one of ours, of another form, or what it says is not so."""

    exit_code = 80


class PackDamaged(PackError):
    """Bytes of a packed file are not those that were packed."""

    exit_code = 81


class SignatureInvalid(PackError):
    """A packed file has no signature, or none of a key that is trusted."""

    exit_code = 82


class LicenceMissing(PackError):
    """Something is linked in whose licence text does not travel along."""

    exit_code = 83


class SbomMismatch(PackError):
    """The SBOM, or the VEX, names other things than the packed file holds."""

    exit_code = 84


class SigningFailed(PackError):
    """ssh-keygen could not sign: no such key, a wrong passphrase."""

    exit_code = 85


# --- A Conan server: exit codes 90 to 92 ---


class RemoteFailed(TfportError):
    """A Conan server cannot be reached, or failed in the middle."""

    exit_code = 90


class RemoteRefused(TfportError):
    """A Conan server does not let this user in, or not do this."""

    exit_code = 91


class NotBuilt(TfportError):
    """An SDK that is to be published is not in Conan's cache, or not the one of this tree."""

    exit_code = 92


# --- The model compiler: exit codes 95 to 99 ---


class NotCompilable(TfportError):
    """A model holds what the model compiler does not know (each node is named)."""

    exit_code = 95
