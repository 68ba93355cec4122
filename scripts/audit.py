"""Says what pip-audit found in a lock file: exit status 0 nothing, 1 weaknesses, 2 not asked."""

import json
import sys
from pathlib import Path

lock, report = sys.argv[1], Path(sys.argv[2])
text = report.read_text()
report.write_text("")  # or the next lock file could be taken for this one
packages = json.loads(text)["dependencies"] if text else []
weak = [package for package in packages if package.get("vulns")]
asked = [package for package in packages if "vulns" in package]
for package in weak:
    for weakness in package["vulns"]:
        fixed = ", ".join(weakness["fix_versions"]) or "none yet"
        sys.stdout.write(
            f"{package['name']} {package['version']}: {weakness['id']}, fixed in {fixed}\n"
        )
if weak:
    sys.exit(1)
if len(asked) < len(packages) or not packages:
    sys.stdout.write(f"{lock}.txt: {len(asked)} of {len(packages)} packages could be asked for\n")
    sys.exit(2)
sys.stdout.write(f"{lock}.txt: no known weakness in {len(packages)} packages\n")
