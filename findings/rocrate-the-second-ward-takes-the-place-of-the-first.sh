#!/usr/bin/env bash
# In an RO-Crate the file of the second ward takes the place of the first: both are items.csv.
#
# A crate packs a study's files with a description for others to check. add_file("ward_a/items.csv")
# gives the file its last name as its id, so that ward_b/items.csv has the same one and replaces it:
# in the description and in the folder one file is left, that of the ward which came last. Both
# calls return an entity, the first of which belongs to nothing any more, and nothing is said at
# write() either. Two folders added by add_dataset keep their names apart. An entry of the tracker
# is open since 2024 (ResearchObject/ro-crate-py 185); dest_path= gives a name of one's own, as the
# readme shows for another end. Guess before the run: both, or an error. adaroute packs no crates;
# its plan refuses ids that repeat.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/env"
"$folder/env/bin/pip" install --quiet --disable-pip-version-check rocrate==0.16.0 2>/dev/null
cd "$folder"
"$folder/env/bin/python" - <<'PYTHON'
import json
import warnings
from importlib.metadata import version
from pathlib import Path

from rocrate.rocrate import ROCrate

for ward, rows in (("ward_a", "id,phq9\n1,4\n"), ("ward_b", "id,phq9\n2,21\n")):
    Path(ward).mkdir()
    Path(ward, "items.csv").write_text(rows)
print("rocrate", version("rocrate"))
with warnings.catch_warnings(record=True) as said:
    warnings.simplefilter("always")
    crate = ROCrate()
    for ward in ("ward_a", "ward_b"):
        crate.add_file(f"{ward}/items.csv", properties={"name": ward})
    crate.write("crate")
described = json.loads(Path("crate/ro-crate-metadata.json").read_text())["@graph"]
files = [part for part in described if part["@type"] == "File"]
print("files described:", [(part["@id"], part["name"]) for part in files])
packed = sorted(str(path.relative_to("crate")) for path in Path("crate").rglob("*.csv"))
print("files packed:   ", packed, "with", Path("crate/items.csv").read_text().split()[1])
print("warnings:", len(said))
assert [part["name"] for part in files] == ["ward_b"] and not said, "rocrate has changed"
assert packed == ["items.csv"], "rocrate has changed"
assert Path("crate/items.csv").read_text() == Path("ward_b/items.csv").read_text()
crate = ROCrate()
for ward in ("ward_a", "ward_b"):
    crate.add_dataset(ward)
crate.write("folders")
assert len(list(Path("folders").rglob("items.csv"))) == 2, "folders have changed"
PYTHON
