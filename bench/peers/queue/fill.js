// Makes graphile-worker's schema and puts COUNT jobs in, with its own functions.
import { makeWorkerUtils } from "graphile-worker";

const { DATABASE, COUNT } = process.env;
const STEP = 10_000;

const utils = await makeWorkerUtils({ connectionString: DATABASE });
await utils.migrate();
for (let left = Number(COUNT); left > 0; left -= STEP) {
  const jobs = Array.from({ length: Math.min(STEP, left) }, (_, index) => ({
    identifier: "nothing",
    payload: { key: left - index },
  }));
  await utils.addJobs(jobs);
}
await utils.release();
