import json
import subprocess
import sys

import pytest
from click.testing import CliRunner

from ogniwo.interfaces.cli.read import read_command

PPE = "590999010000000338"
TAURON = "Data; Wartość kWh;Rodzaj;\n2022-06-01 1:00;0,250;pobór;\n2022-06-01 2:00;0,5;pobór;\n"
GAP = TAURON + "2022-06-01 4:00;;pobór;\n"
FORM = (
    "PPE;Nr licznika;Data i godzina odczytu;OBIS;Wskazanie;Jednostka;Mnożna;Rodzaj odczytu\n"
    f"{PPE};11;2022-10-04 00:00;1.8.0;12333,443;kWh;1;fizyczny\n"
)


@pytest.fixture
def run(tmp_path):
    def invoke(*args, **files):
        paths = []
        for name, text in files.items():
            path = tmp_path / f"{name}.csv"
            path.write_text(text, encoding="utf-8")
            paths.append(str(path))
        return CliRunner().invoke(read_command, [*paths, *args], catch_exceptions=False)

    return invoke


def test_data_go_to_stdout_and_talk_to_stderr(run):
    result = run("--point", PPE, june=TAURON)
    assert result.exit_code == 0
    assert result.stdout.splitlines() == [
        "ppe,channel,start,seconds,wh,quality,file,row",
        f"{PPE},1.29.0,2022-05-31T22:00:00Z,3600,250,measured,june.csv,2",
        f"{PPE},1.29.0,2022-05-31T23:00:00Z,3600,500,measured,june.csv,3",
    ]
    assert "tauron-elicznik, 2 intervals" in result.stderr


def test_findings_end_with_3_and_a_missing_value_is_empty(run):
    result = run("--point", PPE, june=GAP)
    assert result.exit_code == 3
    assert result.stdout.splitlines()[-1] == f"{PPE},1.29.0,2022-06-01T01:00:00Z,3600,,missing,june.csv,4"
    assert "read.gap" in result.stderr
    assert "read.missing" in result.stderr


def test_json_lines_for_machines(run):
    result = run("--point", PPE, "--json", june=GAP)
    data = [json.loads(line) for line in result.stdout.splitlines()]
    assert [row["wh"] for row in data] == [250, 500, None]
    assert data[0] == {
        "kind": "interval", "ppe": PPE, "channel": "1.29.0", "start": "2022-05-31T22:00:00Z", "seconds": 3600,
        "wh": 250, "quality": "measured", "file": "june.csv", "row": 2,
    }  # fmt: skip
    talk = [json.loads(line) for line in result.stderr.splitlines()]
    assert talk[0]["layout"] == "tauron-elicznik"
    assert {line["code"] for line in talk[1:]} == {"read.gap", "read.missing"}


def test_a_refused_file_writes_nothing_and_ends_with_4(run, tmp_path):
    target = tmp_path / "out.csv"
    result = run("--output", str(target), good=FORM, bad="a;b\n")
    assert (result.exit_code, result.stdout, target.exists()) == (4, "", False)
    assert "bad.csv" in result.stderr
    assert "read.unknown_layout" in result.stderr


def test_all_refused_files_are_named(run):
    result = run(first="a;b\n", second=TAURON)
    assert result.exit_code == 4
    assert "2 files were refused" in result.stderr
    assert "read.unknown_layout" in result.stderr
    assert "read.point_unknown" in result.stderr


def test_output_goes_to_a_whole_file(run, tmp_path):
    target = tmp_path / "out.jsonl"
    result = run("--point", PPE, "--format", "jsonl", "--output", str(target), june=TAURON)
    assert (result.exit_code, result.stdout) == (0, "")
    assert len(target.read_text(encoding="utf-8").splitlines()) == 2
    assert not list(tmp_path.glob("*.part"))


def test_registers_have_their_own_columns(run):
    result = run(form=FORM)
    assert result.exit_code == 0
    assert result.stdout.splitlines() == [
        "ppe,meter,obis,time,value,unit,origin,multiplier,digits,file,row",
        f"{PPE},11,1-1:1.8.0*255,2022-10-03T22:00:00Z,12333.443,kWh,physical,1,0,form.csv,2",
    ]


def test_two_kinds_do_not_share_a_csv_table(run):
    result = run("--point", PPE, form=FORM, june=TAURON)
    assert (result.exit_code, result.stdout) == (2, "")
    assert "--format jsonl" in result.stderr
    assert run("--point", PPE, "--format", "jsonl", form=FORM, june=TAURON).exit_code == 0


def test_wrong_use_ends_with_2(run):
    assert run().exit_code == 2
    assert run("--layout", "nobody", june=TAURON).exit_code == 2
    assert run("--format", "xml", june=TAURON).exit_code == 2
    assert run("no-such-file.csv").exit_code == 2


def test_layouts_are_listed(run):
    assert "tauron-elicznik" in run("--layouts").stdout
    listed = [json.loads(line) for line in run("--layouts", "--json").stdout.splitlines()]
    assert {"name", "title", "operator", "containers", "certainty", "source"} == set(listed[0])
    assert run("--layout", "tauron-elicznik", "--point", PPE, june=TAURON).exit_code == 0


def test_a_higher_version_of_a_daily_file_replaces_the_lower_one(run):
    def daily(version, value):
        head = f"kOSD;X;\nkSE;SEX;;\nDD;01-06-2022;\nVV;{version};\nKod_PPE;Typ;"
        head += "".join(f"H{hour};" for hour in range(1, 25))
        return f"{head}\n{PPE};CP;" + f"{value},+;" * 24 + "\n"

    result = run("--json", new=daily(2, ".200"), old=daily(1, ".100"), same=daily(2, ".200"))
    data = [json.loads(line) for line in result.stdout.splitlines()]
    assert {(row["wh"], row["file"]) for row in data} == {(200, "new.csv")}
    assert result.exit_code == 0
    assert "read.replaces" in result.stderr
    assert "read.same_file" in result.stderr
    conflict = run("--json", new=daily(2, ".200"), other=daily(2, ".300"))
    assert conflict.exit_code == 3
    assert "read.same_version" in conflict.stderr


def test_reading_needs_no_web_framework():
    program = "import sys, ogniwo.interfaces.cli.read; print('django' in sys.modules, 'numba' in sys.modules)"
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    assert done.stdout.split() == ["False", "False"]
