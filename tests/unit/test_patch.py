from __future__ import annotations

from pathlib import Path

import pytest

from tfport.errors import PatchInvalid
from tfport.patch import FileChange, load_patch, problems

HEADER = """\
From 0000000000000000000000000000000000000000 Mon Sep 17 00:00:00 2001
From: tfport <tfport@localhost>
Date: Mon, 23 Nov 2026 21:00:00 +0000
Subject: {subject}

{why}

Upstream: {upstream}
Signed-off-by: {signed}
---
 a.c | 2 +-
 1 file changed, 1 insertion(+), 1 deletion(-)

"""
GOOD = {
    "subject": "[PATCH 1/2] Release the pages of the model",
    "why": "A packed copy of the weights is kept, so the model's own pages are held for nothing.",
    "upstream": "not sent, needs the hook",
    "signed": "tfport <tfport@localhost>",
}
DIFF = """\
diff --git a/a.c b/a.c
index 1111111..2222222 100644
--- a/a.c
+++ b/a.c
@@ -1,3 +1,3 @@ int main()
 one
-two
+2
 three
diff --git a/new.c b/new.c
new file mode 100644
--- /dev/null
+++ b/new.c
@@ -0,0 +1 @@
+only
\\ No newline at end of file
"""
DIFF += "-- \n2.39.5\n\n"  # the last lines of git format-patch


def _write(folder: Path, diff: str = DIFF, name: str = "0001-pages.patch", **header: str) -> Path:
    path = folder / name
    path.write_text(HEADER.format(**{**GOOD, **header}) + diff)
    return path


def test_reads_header_and_diff(tmp_path: Path) -> None:
    patch = load_patch(_write(tmp_path))
    assert patch.subject == "Release the pages of the model"
    assert patch.why == GOOD["why"]
    assert patch.upstream == "not sent, needs the hook"
    assert patch.signed_off_by == GOOD["signed"]
    assert patch.changes == (FileChange("a.c", "a.c", 1), FileChange("", "new.c", 1))
    assert problems(patch) == []


def test_folded_subject_and_trailer_are_joined(tmp_path: Path) -> None:
    patch = load_patch(
        _write(tmp_path, subject="[PATCH] Release\n the pages", upstream="not sent, needs\nthe hook")
    )
    assert patch.subject == "Release the pages"
    assert patch.upstream == "not sent, needs the hook"


@pytest.mark.parametrize(
    ("header", "expected"),
    [
        ({"subject": ""}, "subject is missing"),
        ({"subject": "[PATCH] release"}, "begin with a capital"),
        ({"subject": "[PATCH] Release."}, "without a full stop"),
        ({"subject": "Release " + "x" * 70}, "at most 72"),
        ({"why": "Because."}, "why the patch exists"),
        ({"upstream": ""}, "'Upstream:'"),
        ({"upstream": "whatever"}, "'Upstream:'"),
        ({"signed": "somebody"}, "'Signed-off-by:"),
        ({"name": "pages.patch"}, "four digits"),
        ({"diff": DIFF.replace("a/a.c", "a/../a.c")}, "inside the sources"),
        ({"diff": DIFF.replace("--- a/a.c", "--- a/a.c").replace("+++ b/a.c", "+++ /etc/a.c")}, "/etc/a.c"),
        ({"diff": "--- a/a.c\n+++ b/a.c\n"}, "no hunk"),
    ],
)
def test_every_rule_finds_what_it_is_for(tmp_path: Path, header: dict[str, str], expected: str) -> None:
    found = problems(load_patch(_write(tmp_path, **header)))
    assert any(expected in line for line in found), found


def test_a_headerless_diff_breaks_all_header_rules(tmp_path: Path) -> None:
    path = tmp_path / "0001-a.patch"
    path.write_text(DIFF)
    assert len(problems(load_patch(path))) == 4


@pytest.mark.parametrize("diff", ["", "only words\n"])
def test_refuses_a_file_without_a_diff(tmp_path: Path, diff: str) -> None:
    with pytest.raises(PatchInvalid, match="no diff"):
        load_patch(_write(tmp_path, diff))


def test_refuses_hunks_that_do_not_add_up(tmp_path: Path) -> None:
    with pytest.raises(PatchInvalid, match="shorter"):
        load_patch(_write(tmp_path, DIFF.replace(" one\n", "")))
    with pytest.raises(PatchInvalid, match="longer"):
        load_patch(_write(tmp_path, DIFF.replace(" three\n", " three\n four\n")))
    with pytest.raises(PatchInvalid, match="shorter"):
        load_patch(_write(tmp_path, DIFF[: DIFF.index("+2")]))
    with pytest.raises(PatchInvalid, match="head of a hunk"):
        load_patch(_write(tmp_path, DIFF.replace("@@ -1,3", "@@ 1,3")))


def test_refuses_a_file_that_is_not_there(tmp_path: Path) -> None:
    with pytest.raises(PatchInvalid, match="cannot be read"):
        load_patch(tmp_path / "none.patch")
