// Where an address is: the middle of its ZIP code, or what the client says when that is near it.
import { readFileSync } from "node:fs";
import { greatCircleDistance } from "h3-js";

/** Reads `48034\tMI\t42.4969\t-83.2910\t25\tSOUTHFIELD`. */
export function loadPlaces(file) {
  const byZip = new Map();
  const byCity = new Map();
  for (const row of readFileSync(file, "utf8").split("\n")) {
    const [zip, state, latitude, longitude, reach, city] = row.split("\t");
    if (!city) continue;
    const place = { zip, state, city, latitude: Number(latitude), longitude: Number(longitude), reach: Number(reach) };
    byZip.set(zip, place);
    const name = `${state} ${city}`;
    byCity.set(name, [...(byCity.get(name) ?? []), place]);
  }
  return { byZip, byCity };
}

/** All places that the address may mean. */
export function geocode({ byZip, byCity }, address, given) {
  const known = address.zip5 ? [byZip.get(address.zip5)] : (byCity.get(`${address.state} ${address.city}`) ?? []);
  return known.filter((place) => place && (!address.state || address.state === place.state)).map((place) => {
    const position = [place.latitude, place.longitude];
    const near = given && greatCircleDistance(position, given, "km") <= place.reach;
    const [latitude, longitude] = near ? given : position;
    return {
      address: { ...address, city: address.city ?? place.city, state: place.state, zip5: place.zip },
      latitude,
      longitude,
      match_type: near ? "given" : "area",
      precision: near ? "rooftop" : "zip_centroid",
      source: near ? "caller" : "zip-table",
    };
  });
}
