// A modest normal form after USPS Publication 28: upper case, directionals, suffixes, units.
const DIRECTIONALS = {
  NORTH: "N", SOUTH: "S", EAST: "E", WEST: "W",
  NORTHEAST: "NE", NORTHWEST: "NW", SOUTHEAST: "SE", SOUTHWEST: "SW",
};
const SUFFIXES = {
  ALLEY: "ALY", ALY: "ALY", AVENUE: "AVE", AVE: "AVE", AV: "AVE", BEND: "BND", BLUFF: "BLF", BOULEVARD: "BLVD", BLVD: "BLVD",
  BRANCH: "BR", BRIDGE: "BRG", BROOK: "BRK", BYPASS: "BYP", CENTER: "CTR", CIRCLE: "CIR", CIR: "CIR", COMMONS: "CMNS",
  COURT: "CT", CT: "CT", COVE: "CV", CREEK: "CRK", CRESCENT: "CRES", CROSSING: "XING", DRIVE: "DR", DR: "DR", ESTATES: "ESTS",
  EXPRESSWAY: "EXPY", EXTENSION: "EXT", FREEWAY: "FWY", GARDENS: "GDNS", GLEN: "GLN", GREEN: "GRN", GROVE: "GRV",
  HARBOR: "HBR", HEIGHTS: "HTS", HIGHWAY: "HWY", HWY: "HWY", HILL: "HL", HILLS: "HLS", HOLLOW: "HOLW", ISLAND: "IS",
  JUNCTION: "JCT", KNOLL: "KNL", LAKE: "LK", LANDING: "LNDG", LANE: "LN", LN: "LN", LOOP: "LOOP", MANOR: "MNR", MEADOWS: "MDWS",
  MILL: "ML", MOUNTAIN: "MTN", PARKWAY: "PKWY", PKWY: "PKWY", PIKE: "PIKE", PLACE: "PL", PL: "PL", PLAZA: "PLZ", POINT: "PT",
  RIDGE: "RDG", RIVER: "RIV", ROAD: "RD", RD: "RD", ROUTE: "RTE", SHORE: "SHR", SPRING: "SPG", SPRINGS: "SPGS", SQUARE: "SQ",
  STATION: "STA", STREET: "ST", ST: "ST", STR: "ST", TERRACE: "TER", TER: "TER", TRACE: "TRCE", TRAIL: "TRL", TRL: "TRL",
  TURNPIKE: "TPKE", VALLEY: "VLY", VIEW: "VW", VILLAGE: "VLG", VISTA: "VIS", WALK: "WALK", WAY: "WAY",
};
const UNITS = {
  APARTMENT: "APT", APT: "APT", BUILDING: "BLDG", BLDG: "BLDG", FLOOR: "FL", FL: "FL", LOT: "LOT", ROOM: "RM", RM: "RM",
  SPACE: "SPC", SUITE: "STE", STE: "STE", TRAILER: "TRLR", UNIT: "UNIT", "#": "#",
};

function words(text) {
  return text.toUpperCase().replaceAll("#", " # ").replaceAll(/[.,;]/g, " ").split(/\s+/).filter(Boolean);
}

/** The normal form, or `undefined` when there is no house number. */
export function normalize({ street1, street2, city, state, zip }) {
  let street = words(street1);
  if (street.length < 2 || !/\d/.test(street[0])) return undefined;
  let unit = street2 ? words(street2) : [];
  const designator = street.findLastIndex((word, index) => index > 1 && UNITS[word]);
  if (designator > 0 && unit.length === 0) {
    unit = street.slice(designator);
    street = street.slice(0, designator);
  }
  if (unit.length > 0) unit = UNITS[unit[0]] ? [UNITS[unit[0]], ...unit.slice(1)] : ["APT", ...unit];
  const last = street.length - 1;
  const suffix = DIRECTIONALS[street[last]] || Object.values(DIRECTIONALS).includes(street[last]) ? last - 1 : last;
  street = street.map((word, index) => {
    if (index === 0) return word;
    if (index === suffix && index > 1) return SUFFIXES[word] ?? word;
    return (index === 1 && last > 2) || index > suffix ? (DIRECTIONALS[word] ?? word) : word;
  });
  const [zip5, plus4] = zip ? zip.split("-") : [];
  return { street: street.join(" "), unit: unit.join(" ") || undefined, city: city ? words(city).join(" ") : undefined, state, zip5, plus4 };
}

/** One line: `29090 TIFFANY DR E APT A2, SOUTHFIELD, MI 48034`. */
export function line({ street, unit, city, state, zip5, plus4 }) {
  const zip = plus4 ? `${zip5}-${plus4}` : zip5;
  return [unit ? `${street} ${unit}` : street, city, [state, zip].filter(Boolean).join(" ")].filter(Boolean).join(", ");
}
