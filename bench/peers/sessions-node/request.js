// What a client may send, with the limits of the API: street1 and zip; street1, city and state; or street1, city and zip.
import { z } from "zod";

// prettier-ignore
export const STATES = ["AL", "AK", "AZ", "AR", "CA", "CO", "CT", "DE", "FL", "GA", "HI", "ID", "IL", "IN", "IA", "KS", "KY",
  "LA", "ME", "MD", "MA", "MI", "MN", "MS", "MO", "MT", "NE", "NV", "NH", "NJ", "NM", "NY", "NC", "ND", "OH", "OK", "OR", "PA",
  "PR", "RI", "SC", "SD", "TN", "TX", "UT", "VT", "VA", "WA", "WV", "WI", "WY", "DC"];

const text = (most) => z.string().trim().min(1).max(most);
const zip = z.union([
  z.string().regex(/^\d{5}(-\d{4})?$/),
  z.number().int().min(0).max(99_999).transform((number) => String(number).padStart(5, "0")),
]);

export const NewSession = z
  .object({
    street1: text(100),
    street2: text(50).nullish(),
    city: text(50).nullish(),
    state: z.enum(STATES).nullish(),
    zip: zip.nullish(),
    latitude: z.number().min(-90).max(90).nullish(),
    longitude: z.number().min(-180).max(180).nullish(),
    campaign_id: text(100).nullish(),
  })
  .refine(({ zip, city, state }) => zip || (city && state), {
    path: ["zip"],
    error: "must be given, unless city and state are",
  })
  .refine(({ latitude, longitude }) => (latitude == null) === (longitude == null), {
    path: ["latitude"],
    error: "must come together with longitude",
  });
