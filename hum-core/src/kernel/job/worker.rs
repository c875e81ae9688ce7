//! The loop that runs jobs. The server and the simulator run this very one.

use std::{
    collections::BTreeMap, convert::Infallible, future::Future, pin::pin, sync::Arc, time::Duration,
};

use futures_util::{
    FutureExt as _, StreamExt as _, future::FusedFuture as _, select_biased,
    stream::FuturesUnordered,
};

use crate::kernel::{
    Kernel,
    batch::Finished,
    clock::Timestamp,
    error::Error,
    id::{JobId, OrgId},
    store::StoreError,
};

use super::{Claimed, HEARTBEAT, Job, JobKind, JobQueue, LEASE, Lane, SWEEP};

/// How many jobs one loop runs at once.
pub const CONCURRENCY: usize = 64;
/// How many of them may be of [`Lane::Others`].
const OTHERS_AT_MOST: usize = CONCURRENCY / 2;
/// How long a loop waits for its jobs when it is told to stop; what is not done by then is given
/// back.
pub const GRACE: Duration = Duration::from_secs(10);
/// When due jobs cannot be claimed, because their twins run, nobody spins.
const BLOCKED: Duration = Duration::from_millis(50);
/// After the store failed.
const STORE_FAILED: Duration = Duration::from_secs(1);
const PURGE: Duration = Duration::from_secs(3600);

/// Ends [`Workers::run`] when it completes.
pub trait Shutdown: Future<Output = ()> + Send {}
impl<T: Future<Output = ()> + Send> Shutdown for T {}

/// Runs the jobs of all capabilities. Cheap to clone.
#[derive(Clone)]
pub struct Workers(Arc<Registry>);

struct Registry {
    kernel: Kernel,
    queue: Arc<dyn JobQueue>,
    jobs: BTreeMap<JobKind, Arc<dyn Job>>,
    all: Vec<JobKind>,
    own: Vec<JobKind>,
    others: Vec<JobKind>,
    poll: Duration,
}

impl Workers {
    /// `poll` is how long an idle loop waits before it looks again.
    pub(crate) fn new(
        kernel: Kernel,
        queue: Arc<dyn JobQueue>,
        jobs: Vec<Arc<dyn Job>>,
        poll: Duration,
    ) -> Self {
        let kinds = |lane: Lane| {
            jobs.iter()
                .filter(|job| job.lane() == lane)
                .map(|job| job.kind())
                .collect()
        };
        let (own, others) = (kinds(Lane::Own), kinds(Lane::Others));
        let all = jobs.iter().map(|job| job.kind()).collect();
        let jobs = jobs.into_iter().map(|job| (job.kind(), job)).collect();
        Self(Arc::new(Registry {
            kernel,
            queue,
            jobs,
            all,
            own,
            others,
            poll,
        }))
    }

    /// Every kind of job that this build runs.
    pub fn kinds(&self) -> &[JobKind] {
        &self.0.all
    }

    /// Claims and runs jobs until `shutdown` completes, then stops claiming, finishes what runs or
    /// gives it back, within ten seconds. Several loops may run in one process and in many.
    pub async fn run(&self, shutdown: impl Shutdown) {
        let mut shutdown = pin!(shutdown.fuse());
        let mut running = FuturesUnordered::new();
        let mut held = BTreeMap::new();
        let mut next_sweep = Duration::ZERO;
        let mut next_purge = Duration::ZERO;
        while !shutdown.is_terminated() {
            let now = self.0.kernel.clock().monotonic();
            if now >= next_sweep {
                next_sweep = now + SWEEP;
                beside(&mut running, &mut held, self.sweep()).await;
            }
            if now >= next_purge {
                next_purge = now + PURGE;
                let purge = self
                    .0
                    .kernel
                    .upkeep()
                    .purge_expired(self.0.kernel.clock().now());
                if let Err(error) = beside(&mut running, &mut held, purge).await {
                    tracing::warn!(%error, "could not purge expired replies");
                }
            }
            let free = CONCURRENCY - running.len();
            let others = held
                .values()
                .filter(|(.., kind)| self.0.others.contains(kind))
                .count();
            let claim = self.claim(free, OTHERS_AT_MOST.saturating_sub(others));
            let wait = match beside(&mut running, &mut held, claim).await {
                Ok((claimed, wait)) => {
                    if claimed.is_empty() && wait <= BLOCKED {
                        // Something is due that cannot be claimed: perhaps its worker died.
                        next_sweep = next_sweep.min(now + wait);
                    }
                    for job in claimed {
                        held.insert(job.id, (job.org, job.fence, job.kind));
                        running.push(self.run_claimed(job));
                    }
                    wait
                }
                Err(error) => {
                    tracing::warn!(%error, "could not claim jobs");
                    STORE_FAILED
                }
            };
            let mut wake = pin!(self.0.kernel.live_bus().wait_for_jobs().fuse());
            let mut pause = pin!(self.0.kernel.clock().sleep(wait.min(self.0.poll)).fuse());
            select_biased! {
                () = shutdown => {}
                done = running.select_next_some() => { held.remove(&done); }
                () = wake => {}
                () = pause => {}
            }
        }
        self.wind_down(running, held).await;
    }

    /// Finishes what runs within [`GRACE`], and gives the rest back.
    async fn wind_down(
        &self,
        mut running: FuturesUnordered<impl Future<Output = JobId>>,
        mut held: Held,
    ) {
        let mut grace = pin!(self.0.kernel.clock().sleep(GRACE).fuse());
        while !running.is_empty() {
            select_biased! {
                done = running.select_next_some() => { held.remove(&done); }
                () = grace => break,
            }
        }
        drop(running);
        for (job, (org, fence, _)) in held {
            if let Err(error) = self
                .0
                .queue
                .release(org, job, fence, self.0.kernel.clock().now())
                .await
            {
                tracing::warn!(%job, %error, "could not give a job back; its lease will run out");
            }
        }
    }

    /// Runs at most one due job to its end. For tests that step through the queue; answers whether
    /// there was one.
    ///
    /// # Errors
    /// The store failed.
    pub async fn run_one(&self) -> Result<bool, Error> {
        let now = self.0.kernel.clock().now();
        match self
            .0
            .queue
            .claim(&self.0.all, now, now + LEASE, 1)
            .await?
            .pop()
        {
            Some(job) => {
                self.run_claimed(job).await;
                Ok(true)
            }
            None => Ok(false),
        }
    }

    /// When the next job is due.
    ///
    /// # Errors
    /// The store failed.
    pub async fn next_due(&self) -> Result<Option<Timestamp>, Error> {
        Ok(self.0.queue.next_due(&self.0.all).await?)
    }

    /// Claims up to `free` jobs, up to `others` of them for servers of others; answers also how
    /// long there is nothing to claim.
    async fn claim(&self, free: usize, others: usize) -> Result<(Vec<Claimed>, Duration), Error> {
        let mut claimed = self.claim_kinds(&self.0.own, free).await?;
        let room = others.min(free - claimed.len());
        match self.claim_kinds(&self.0.others, room).await {
            Ok(others) => claimed.extend(others),
            // What is claimed already must run.
            Err(error) if !claimed.is_empty() => {
                tracing::warn!(%error, "could not claim jobs for servers of others")
            }
            Err(error) => return Err(error),
        }
        if claimed.len() == free {
            return Ok((claimed, self.0.poll));
        }
        // A lane that is full says so itself, when one of its jobs ends.
        let full = others
            == claimed
                .iter()
                .filter(|job| self.0.others.contains(&job.kind))
                .count();
        let wait = match self
            .0
            .queue
            .next_due(if full { &self.0.own } else { &self.0.all })
            .await?
        {
            Some(at) => at.since(self.0.kernel.clock().now()).max(BLOCKED),
            None => self.0.poll,
        };
        Ok((claimed, wait))
    }

    async fn claim_kinds(&self, kinds: &[JobKind], limit: usize) -> Result<Vec<Claimed>, Error> {
        if limit == 0 {
            return Ok(Vec::new());
        }
        let now = self.0.kernel.clock().now();
        Ok(self
            .0
            .queue
            .claim(
                kinds,
                now,
                now + LEASE,
                u32::try_from(limit).unwrap_or(u32::MAX),
            )
            .await?)
    }

    async fn sweep(&self) {
        match self.0.queue.sweep(self.0.kernel.clock().now()).await {
            Ok(0) => {}
            Ok(count) => tracing::warn!(count, "jobs whose worker died are queued again"),
            Err(error) => tracing::warn!(%error, "could not look for jobs whose worker died"),
        }
    }

    /// Runs a job and renews its claim. When the claim is lost the run goes on: its fence keeps it
    /// from changing anything but what it alone knows, the carrier's answer.
    async fn run_claimed(&self, job: Claimed) -> JobId {
        let mut work = pin!(self.run_job(&job).fuse());
        let mut renewals = pin!(self.renew_claim(&job).fuse());
        select_biased! {
            result = work => {
                if let Err(error) = result {
                    self.run_failed(&job, &error).await;
                }
            }
            never = renewals => match never {},
        }
        job.id
    }

    /// Until it is dropped.
    async fn renew_claim(&self, job: &Claimed) -> Infallible {
        loop {
            self.0.kernel.clock().sleep(HEARTBEAT).await;
            let held = self
                .0
                .queue
                .heartbeat(
                    job.org,
                    job.id,
                    job.fence,
                    self.0.kernel.clock().now() + LEASE,
                )
                .await;
            if !matches!(held, Ok(true)) {
                tracing::warn!(job = %job.id, kind = job.kind.as_str(), ?held, "the claim of a running job was not renewed");
            }
        }
    }

    async fn run_job(&self, job: &Claimed) -> Result<(), Error> {
        let Some(kind) = self.0.jobs.get(&job.kind) else {
            return Err(Error::Conflict(format!(
                "no build that runs {} claimed this",
                job.kind.as_str()
            )));
        };
        let mut work = pin!(kind.run(job).fuse());
        let mut late = pin!(self.0.kernel.clock().sleep(kind.timeout()).fuse());
        select_biased! {
            result = work => result,
            () = late => Err(Error::Conflict(format!("broken off after {} s", kind.timeout().as_secs()))),
        }
    }

    /// The run failed without an outcome of its own: the store failed, or it was changed too often.
    /// That passes, so the job is never given up for it, however often it ran: many jobs run again
    /// by plan.
    async fn run_failed(&self, job: &Claimed, error: &Error) {
        tracing::warn!(job = %job.id, kind = job.kind.as_str(), attempt = job.attempt, %error, "job failed");
        let passes = matches!(
            error,
            Error::Store(StoreError::Unavailable(_) | StoreError::Overloaded(_))
                | Error::Conflict(_)
        );
        let (tries, wait) = self
            .0
            .jobs
            .get(&job.kind)
            .map_or((i64::MAX, STORE_FAILED), |kind| {
                (kind.tries(), kind.retry(job.attempt))
            });
        let how = if !passes && job.attempt >= tries {
            Finished::Failed {
                error: error.to_string(),
            }
        } else {
            Finished::Again {
                at: self.0.kernel.clock().now() + wait,
                error: Some(error.to_string()),
            }
        };
        // When this fails too, the lease runs out and the sweep takes over.
        let _ = self.0.kernel.claimed(job).finish(how).await;
    }
}

/// The claims of the jobs that run here.
type Held = BTreeMap<JobId, (OrgId, i64, JobKind)>;

/// Does `work` while the jobs go on. They must: one of them may have been given what `work` waits
/// for, such as a connection of a pool, and would hold it until somebody polls it.
async fn beside<T>(
    running: &mut FuturesUnordered<impl Future<Output = JobId>>,
    held: &mut Held,
    work: impl Future<Output = T>,
) -> T {
    let mut work = pin!(work.fuse());
    loop {
        select_biased! {
            result = work => return result,
            done = running.select_next_some() => { held.remove(&done); }
        }
    }
}
