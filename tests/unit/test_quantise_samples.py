from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from tests.unit.quantise_fakes import pictures
from tfport.errors import CalibrationInvalid
from tfport.inputs import Slot
from tfport.quantise.samples import has_pictures, read_samples, samples, samples_of

COLOUR = Slot("image", "float32", (1, 4, 5, 3), (1, 4, 5, 3))
GREY = Slot("image", "float32", (1, 4, 5, 1), (1, 4, 5, 1))
ROW = Slot("row", "float32", (1, 2), (1, 2))


def test_a_folder_is_read_with_all_below_it_but_hidden_files(tmp_path: Path) -> None:
    folder = pictures(tmp_path / "p", "b.png", "a/c.JPG", "a/d.bmp")
    (folder / ".DS_Store").write_bytes(b"x")
    (folder / ".git").mkdir()
    (folder / ".git" / "x.txt").write_text("x")
    assert [path.relative_to(folder).as_posix() for path in read_samples(folder).files] == [
        "a/c.JPG",
        "a/d.bmp",
        "b.png",
    ]


def test_the_digest_follows_names_and_bytes_and_not_the_place(tmp_path: Path) -> None:
    one, two = (read_samples(pictures(tmp_path / name)) for name in ("one", "two"))
    assert one.digest == two.digest
    (tmp_path / "two" / "b.png").rename(tmp_path / "two" / "c.png")
    renamed = read_samples(tmp_path / "two")
    pictures(tmp_path / "one", "b.png")
    assert len({one.digest, renamed.digest, read_samples(tmp_path / "one").digest}) == 3


def test_missing_and_empty_folders_are_refused(tmp_path: Path) -> None:
    (tmp_path / "empty" / "below").mkdir(parents=True)
    (tmp_path / "file").write_text("x")
    for name, words in (("none", "There is no folder"), ("file", "is no folder"), ("empty", "is empty")):
        with pytest.raises(CalibrationInvalid, match=words):
            read_samples(tmp_path / name)


def test_every_file_that_is_no_picture_is_named(tmp_path: Path) -> None:
    folder = pictures(tmp_path / "p")
    (folder / "labels.txt").write_text("cat")
    (folder / "fake.jpg").write_bytes(b"\xff\xd8 no picture")
    image = pytest.importorskip("PIL.Image")
    image.fromarray(np.full((3, 3), 40000, np.uint16)).save(
        folder / "deep.png"
    )  # Pillow would clip it to white
    with pytest.raises(CalibrationInvalid, match="holds 3 file") as caught:
        read_samples(folder)
    assert caught.value.why.splitlines() == ["deep.png", "fake.jpg", "labels.txt"]
    assert "8 bits a channel" in caught.value.hint
    for number in range(12):
        (folder / f"x{number:02}.txt").write_text("x")
    with pytest.raises(CalibrationInvalid) as caught:
        read_samples(folder)
    assert caught.value.why.splitlines()[-1] == "and 5 more"


@pytest.mark.parametrize(
    ("scaling", "first"),
    [
        ("rgb-bytes", (250, 0, 5)),
        ("rgb-unit", (250 / 255, 0, 5 / 255)),
        ("rgb-centred", (250 / 127.5 - 1, -1, 5 / 127.5 - 1)),
        ("bgr-minus-mean", (5 - 104.006, -116.669, 250 - 122.679)),
    ],
)
def test_pictures_become_what_the_scaling_says(
    tmp_path: Path, scaling: str, first: tuple[float, ...]
) -> None:
    given = read_samples(pictures(tmp_path / "p"))
    assert has_pictures(given.files)
    fed = [values["image"] for _, values in samples(given.files, [COLOUR], scaling)]
    assert [(values.shape, values.dtype.name) for values in fed] == [((1, 4, 5, 3), "float32")] * 2
    assert fed[0][0, 0, 0] == pytest.approx(first, abs=1e-5)


def test_one_channel_takes_grey_pictures(tmp_path: Path) -> None:
    given = read_samples(pictures(tmp_path / "p", "a.png"))
    [(_, values)] = samples(given.files, [GREY], "rgb-unit")
    assert values["image"].shape == (1, 4, 5, 1)
    assert values["image"][0, 0, 0, 0] == pytest.approx((0.299 * 250 + 0.114 * 5) / 255, abs=0.01)
    with pytest.raises(CalibrationInvalid, match="bgr-minus-mean"):
        list(samples(given.files, [GREY], "bgr-minus-mean"))


def test_a_picture_that_is_cut_short_is_named(tmp_path: Path) -> None:
    image = pytest.importorskip("PIL.Image")
    noise = np.random.default_rng(0).integers(0, 255, (99, 99, 3)).astype(np.uint8)
    image.fromarray(noise).save(tmp_path / "whole.png")
    (tmp_path / "cut.png").write_bytes((tmp_path / "whole.png").read_bytes()[:9000])
    files = read_samples(tmp_path).files
    with pytest.raises(CalibrationInvalid, match=r"cut\.png cannot be read"):
        list(samples(files, [COLOUR], "rgb-unit"))


def test_pictures_fit_one_input_that_is_a_picture(tmp_path: Path) -> None:
    files = read_samples(pictures(tmp_path / "p")).files
    with pytest.raises(CalibrationInvalid, match="has 2 inputs: image, row"):
        list(samples(files, [COLOUR, ROW], "rgb-unit"))
    with pytest.raises(CalibrationInvalid, match="takes no picture") as caught:
        list(samples(files, [ROW], "rgb-unit"))
    assert "float32[1, 2]" in caught.value.hint


def test_arrays_hold_one_sample_or_several(tmp_path: Path) -> None:
    np.save(tmp_path / "a.npy", np.array([[1, 2], [3, 4], [5, 6]], np.float32))
    np.save(tmp_path / "b.npy", np.array([7, 8], np.float32))
    np.save(tmp_path / "c.npy", np.array([[9, 10]], np.float32))
    given = samples_of(tmp_path, sorted(tmp_path.iterdir()))
    assert not has_pictures(given.files)
    fed = [values["row"] for _, values in samples(given.files, [ROW], "rgb-unit")]
    assert [values.shape for values in fed] == [(1, 2)] * 5
    assert [values[0, 0] for values in fed] == [1, 3, 5, 7, 9]


def test_files_of_several_arrays_feed_several_inputs(tmp_path: Path) -> None:
    image, row = np.ones((2, 4, 5, 3), np.float32), np.array([[1, 2], [3, 4]], np.float32)
    np.savez(tmp_path / "a.npz", image=image, row=row)
    fed = [values for _, values in samples([tmp_path / "a.npz"], [COLOUR, ROW], "rgb-unit")]
    assert [(v["image"].shape, list(v["row"][0])) for v in fed] == [
        ((1, 4, 5, 3), [1, 2]),
        ((1, 4, 5, 3), [3, 4]),
    ]
    np.savez(tmp_path / "b.npz", image=image, row=row[0])
    with pytest.raises(CalibrationInvalid, match="different numbers of samples"):
        list(samples([tmp_path / "b.npz"], [COLOUR, ROW], "rgb-unit"))
    np.savez(tmp_path / "c.npz", image=image, other=row)
    with pytest.raises(CalibrationInvalid, match="holds image, other; the inputs are image, row"):
        list(samples([tmp_path / "c.npz"], [COLOUR, ROW], "rgb-unit"))
    np.save(tmp_path / "d.npy", row)
    with pytest.raises(CalibrationInvalid, match="holds one array"):
        list(samples([tmp_path / "d.npy"], [COLOUR, ROW], "rgb-unit"))


@pytest.mark.parametrize(
    ("values", "words"),
    [
        (np.zeros((1, 2), np.uint8), "holds uint8"),
        (np.zeros((1, 3), np.float32), r"has the shape \[1, 3\]"),
        (np.zeros((0, 2), np.float32), r"has the shape \[0, 2\]"),
        (np.float32(1), r"has the shape \[\]"),
        (np.array([[1, np.nan]], np.float32), "infinities or NaN"),
        (np.array([{}], object), "cannot be read"),
    ],
)
def test_other_arrays_are_refused(tmp_path: Path, values: object, words: str) -> None:
    np.save(tmp_path / "a.npy", values, allow_pickle=True)  # type: ignore[arg-type]
    with pytest.raises(CalibrationInvalid, match=words):
        list(samples([tmp_path / "a.npy"], [ROW], "rgb-unit"))
    (tmp_path / "a.npy").write_bytes(b"nothing")
    with pytest.raises(CalibrationInvalid, match="cannot be read"):
        list(samples([tmp_path / "a.npy"], [ROW], "rgb-unit"))
