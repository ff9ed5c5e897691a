"""The demo empties only what is a demo's, finished or not, and starts only where nothing else lies."""

import pytest

from ogniwo.services.demo.story import NotADemoError, clear_demo, run_demo
from ogniwo.services.workspace.model import WorkspaceExistsError

SETTINGS = 'name = "Ogniwo demo"\nnetwork = "x"\n'


def test_a_folder_with_other_things_is_neither_used_nor_emptied(tmp_path):
    (tmp_path / "thesis.txt").write_text("years", encoding="utf-8")
    for attempt in (lambda: run_demo(root=tmp_path), lambda: clear_demo(tmp_path)):
        with pytest.raises(NotADemoError):
            attempt()
    assert [one.name for one in tmp_path.iterdir()] == ["thesis.txt"]


def test_another_workspace_is_not_emptied(tmp_path):
    (tmp_path / "ogniwo.toml").write_text('name = "Ours"\nnetwork = "x"\n', encoding="utf-8")
    with pytest.raises(NotADemoError):
        clear_demo(tmp_path)
    with pytest.raises(WorkspaceExistsError):
        run_demo(root=tmp_path)


@pytest.mark.parametrize("sign", [".ogniwo-demo", "ogniwo.toml"])
def test_a_finished_and_an_unfinished_demo_are_emptied_through_a_link_too(tmp_path, sign):
    folder, link = tmp_path / "there", tmp_path / "link"
    (folder / "keys").mkdir(parents=True)
    (folder / "keys" / "operator.pem").write_text("key", encoding="utf-8")
    (folder / sign).write_text(SETTINGS, encoding="utf-8")
    outside = tmp_path / "outside.txt"
    outside.write_text("stays", encoding="utf-8")
    (folder / "pointer").symlink_to(outside)
    link.symlink_to(folder)
    clear_demo(link)
    assert list(folder.iterdir()) == []
    assert outside.read_text(encoding="utf-8") == "stays"


def test_nothing_is_there_to_empty(tmp_path):
    clear_demo(tmp_path / "none")
    clear_demo(tmp_path)
    assert list(tmp_path.iterdir()) == []
