// graphile-worker with a task that does nothing. MODE=default: the settings that it has. MODE=tuned: the ones that its page
// on performance names for "optimal conditions", and no line printed for each job. See bench/README.md.
import { createServer } from "node:net";
import { run } from "graphile-worker";

const { PORT, DATABASE, MODE } = process.env;
const TUNED = {
  concurrentJobs: 24,
  maxPoolSize: 25,
  localQueue: { size: 500 },
  completeJobBatchDelay: 0,
  failJobBatchDelay: 0,
};

await run({
  preset: { worker: { connectionString: DATABASE, ...(MODE === "tuned" ? TUNED : {}) } },
  taskList: { nothing: async () => {} },
});
// Whoever started this waits until somebody listens.
createServer().listen(Number(PORT), "127.0.0.1");
