"""Other people's plug-ins: found by their entry points; one that fails is named in a warning and left out."""

from __future__ import annotations

from pathlib import Path

from tests.registration.processes import run

PLUG_IN = '''
"""A plug-in of somebody else's."""
from expectations_plugins.engine.metrics import Known, MetricSpec
from expectations_plugins.engine.registration import TABLE_DOMAIN, offer

def register():
    offer(MetricSpec("shop.answer", lambda call: Known(42), domain_keys=TABLE_DOMAIN, value_keys=()))
'''
PROGRAM = """
import contextlib, io, json
import expectations_plugins
with contextlib.redirect_stderr(io.StringIO()) as said:  # nobody has set logging up
    expectations_plugins.register()
from expectations_plugins.engine.registration import ENGINES
ours = [line for line in said.getvalue().splitlines() if "plug-in" in line]
print(json.dumps([ours, ["shop.answer" in engine.specs for engine in ENGINES]]))
"""


def distribution(folder: Path, name: str, entries: list[str]) -> None:
    """What an installed distribution leaves in a folder of modules."""
    info = folder / f"{name.replace('-', '_')}-1.0.dist-info"
    info.mkdir()
    (info / "METADATA").write_text(f"Metadata-Version: 2.1\nName: {name}\nVersion: 1.0\n", encoding="utf-8")
    (info / "entry_points.txt").write_text("\n".join(["[sluicegate.plugins]", *entries, ""]), encoding="utf-8")


def test_a_plug_in_that_fails_is_named_and_left_out_and_the_others_are_registered(tmp_path: Path) -> None:
    modules = tmp_path / "modules"
    modules.mkdir()
    (modules / "shop_plug_in.py").write_text(PLUG_IN, encoding="utf-8")
    (modules / "broken_import.py").write_text("raise OSError('no licence')\n", encoding="utf-8")
    (modules / "broken_call.py").write_text("def register():\n    raise ValueError('not today')\n", encoding="utf-8")
    distribution(modules, "a-broken", ["first = broken_import", "second = broken_call:register", "third = nowhere:x"])
    distribution(modules, "b-shop", ["shop = shop_plug_in:register"])
    warned, offered = run(PROGRAM, folder=tmp_path, path=[modules])
    said = (
        ("first", "broken_import", "OSError: no licence"),
        ("second", "broken_call:register", "ValueError: not today"),
        ("third", "nowhere:x", "ModuleNotFoundError: No module named 'nowhere'"),
    )
    assert warned == [
        f"The plug-in {name!r} of a-broken ({value}) was left out, because it raised {error}. Correct it "
        "or uninstall a-broken."
        for name, value, error in said
    ]
    assert offered == [True, True, True]
