# SPDX-License-Identifier: GPL-3.0-or-later
"""What a list of jobs asks for, and the line that is named where it cannot be meant."""

import json

import pytest

from rhetor.addon.core.headless_options import HeadlessOptions, UsageError, read_options
from rhetor.addon.core.job_list import read_job_list


@pytest.fixture
def write(tmp_path):
    def write(name: str, text: str):
        path = tmp_path / name
        path.write_text(text, encoding="utf-8")
        return path

    return write


def read(path, **defaults):
    return read_job_list(path, path.parent / "out", defaults)


def test_a_json_list(write, tmp_path):
    path = write(
        "jobs.json",
        """[
  {"audio": "a.wav", "seed": 4, "fps": 29.97, "hair": false, "render": true},
  {"audio": "/far/b.mp3", "output": "sub/c.blend", "style": "aß", "render": "d.mp4"}
]""",
    )
    first, second = read(path, style="calm", seed=1)
    assert first == HeadlessOptions(
        audio=tmp_path / "a.wav",
        output=tmp_path / "out" / "a.blend",
        render=tmp_path / "out" / "a.mp4",
        style="calm",
        seed=4,
        fps=29.97,
        hair=False,
    )
    assert str(second.audio) == "/far/b.mp3" and second.output == tmp_path / "sub" / "c.blend"
    assert (second.style, second.seed) == ("aß", 1) and second.render == tmp_path / "d.mp4"


def test_a_table_says_the_same_as_a_list(write):
    values = {"audio": "ä, b.wav", "seed": 4, "fps": 25.0, "hair": False, "blend": "x.blend"}
    listed = write("jobs.json", json.dumps([{**values, "character": "Anna"}]))
    for comma in ",;":
        cells = comma.join(['"ä, b.wav"', "4", "25", "no", "x.blend", "Anna", ""])
        header = comma.join([*values, "character", "style"])
        table = write("jobs.csv", f"\ufeff{header}\r\n{comma * 6}\r\n{cells}\r\n")
        assert read(table) == read(listed)


def test_a_folder_of_recordings(write, tmp_path):
    for name in ("b.WAV", "a.mp3", "notes.txt", "a.blend"):
        write(name, "")
    assert [job.output.name for job in read(tmp_path)] == ["a.blend", "b.blend"]


WRONG = {
    "unknown setting": ('[{"audio": "a.wav"},\n {"audio": "b.wav",\n  "stile": "x"}]', "line 3"),
    "no list": ('{"audio": "a.wav"}', r"line 1: \[ is expected"),
    "no JSON": ('[{"audio": "a.wav"},\n {audio: 1}]', "line 2: this is no JSON"),
    "no object": ('[{"audio": "a.wav"},\n\n 3]', "line 3: an object"),
    "comma missing": ('[{"audio": "a.wav"}\n{"audio": "b.wav"}]', "line 2: , is expected"),
    "more behind it": ('[{"audio": "a.wav"}]\n[]', "line 2: something follows"),
    "nothing": ("[ ]", "nothing to do"),
    "no recording": ('[{"seed": 1}]', "line 1: The setting audio is missing"),
    "same output": ('[{"audio": "a.wav"},\n{"audio": "a.mp3"}]', "line 2: a.blend is made already"),
    "wrong type": ('[{"audio": "a.wav", "seed": "many"}]', "line 1: seed is a whole number"),
    "wrong suffix": ('[{"audio": "a.wav", "output": "b.fbx"}]', "line 1: b.fbx is no .blend"),
}


@pytest.mark.parametrize(("text", "words"), WRONG.values(), ids=WRONG)
def test_what_cannot_be_meant_is_refused_with_its_line(write, text, words):
    with pytest.raises(UsageError, match=words):
        read(write("jobs.json", text))


def test_wrong_tables_and_other_files_are_refused(write, tmp_path):
    with pytest.raises(UsageError, match="line 1: unknown column stile"):
        read(write("jobs.csv", "audio,stile\na.wav,x\n"))
    with pytest.raises(UsageError, match="line 3: seed"):
        read(write("jobs.csv", "audio,seed\na.wav,1\nb.wav,x\n"))
    with pytest.raises(UsageError, match="line 2: more cells"):
        read(write("jobs.csv", "audio,seed\na,b.wav,1\n"))
    with pytest.raises(UsageError, match="neither a folder nor a list"):
        read(write("jobs.txt", "a.wav"))
    with pytest.raises(UsageError, match="cannot be read"):
        read(tmp_path / "nowhere.json")


@pytest.mark.parametrize(
    ("values", "words"),
    [
        ({"seed": -1}, "seed is from 0"),
        ({"fps": 0}, "no frame rate 0"),
        ({"face": "mine"}, "no face 'mine'"),
        ({"resolution": 33}, "33 pixels"),
        ({"character": "Anna"}, "only be named in an existing file"),
        ({"blend": "o.blend"}, "would replace the file"),
        ({"engine": "luxe"}, "no engine 'luxe'"),
        ({"hair": "some"}, "hair is true or false"),
        ({"seconds": 0}, "more than 0 seconds"),
        ({"volume": 1}, "Unknown setting volume"),
    ],
)
def test_settings_out_of_range_are_refused(tmp_path, values, words):
    with pytest.raises(UsageError, match=words):
        read_options({"audio": "a.wav", "output": "o.blend", **values}, tmp_path)


def test_options_survive_json(tmp_path):
    values = {"audio": "a.wav", "output": "o.blend", "render": "no", "seconds": "1.5", "face": 7}
    options = read_options(values, tmp_path)
    assert options.face == "7" and options.render is None
    assert read_options(json.loads(json.dumps(options.to_json())), tmp_path) == options
